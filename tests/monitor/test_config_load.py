"""Which file is read, what the environment overrides, where secrets come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.config import Config, Loaded, load, parse
from monitor.config.environment import override
from monitor.config.load import find
from monitor.errors import ConfigError

GOOD = """
[kafka]
bootstrap_servers = ["localhost:9092"]
[database]
url = "postgresql://me:hunter2@localhost/driftd"
[models.churn]
topics = ["p"]
[models."fraud-v2"]
topics = ["q"]
"""


def loaded(tmp_path: Path, text: str = GOOD, environ: dict[str, str] | None = None) -> Loaded:
    file = tmp_path / "config.toml"
    file.write_text(text)
    return load(file, environ or {})


def with_environment(**environ: str) -> Config:
    return parse(GOOD, environ)


def test_the_given_file_goes_before_the_variable(tmp_path: Path) -> None:
    given = tmp_path / "a.toml"
    assert find(given, {"DRIFTD_CONFIG": "b.toml"}) == given
    assert find(None, {"DRIFTD_CONFIG": "b.toml"}) == Path("b.toml")


def test_the_working_directory_is_looked_at_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.toml").touch()
    monkeypatch.chdir(tmp_path)
    assert find(None, {}) == tmp_path / "config.toml"


def test_when_there_is_none_all_places_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        find(None, {})
    for place in ("--config", "$DRIFTD_CONFIG", str(tmp_path / "config.toml"), "/etc/driftd/config.toml"):
        assert place in str(caught.value)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.toml: cannot be read: No such file"):
        load(tmp_path / "none.toml", {})
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path, {})
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load(tmp_path / "latin.toml", {})


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "bom.toml").write_text(GOOD, encoding="utf-8-sig")
    assert "churn" in load(tmp_path / "bom.toml", {}).config.models


def test_mistakes_begin_with_the_file_they_are_in(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"^{tmp_path}/config.toml:2: kafka: unknown key"):
        loaded(tmp_path, GOOD.replace("[kafka]", "[kafka]\nx = 1").strip())


def test_the_environment_overrides_single_keys() -> None:
    config = with_environment(
        DRIFTD__MODELS__CHURN__WINDOW="30m",
        DRIFTD__models__Fraud_V2__min_rows="7",
        DRIFTD__MODELS__CHURN__FIELDS__PRESET="flat",
        DRIFTD__KAFKA__BOOTSTRAP_SERVERS="a:1, b:2",
        DRIFTD__KAFKA__OPTIONS__FETCH_MIN_BYTES="5",
        DRIFTD__KAFKA__OPTIONS__SASL_PLAIN_PASSWORD="x.y",  # noqa: S106
        DRIFTD__SERVICE="{ log_level = 'debug' }",
        DRIFTD__ALERTS__SERVICES__ONCALL__ENV="X",
        DRIFTD__ALERTS__ROUTES="[{ to = ['oncall'] }]",
    )
    assert str(config.models["churn"].window) == "30m"
    assert config.models["fraud-v2"].min_rows == 7
    assert config.models["churn"].fields.preset == "flat"
    assert config.kafka.bootstrap_servers == ("a:1", "b:2")
    assert config.kafka.options == {"fetch_min_bytes": 5, "sasl_plain_password": "x.y"}
    assert config.service.log_level == "debug"
    assert config.alerts.services["oncall"].env == "X"
    assert config.alerts.routes[0].to == ("oncall",)


def test_a_value_that_looks_like_toml_stays_text_where_text_is_wanted() -> None:
    config = with_environment(DRIFTD__KAFKA__GROUP_ID="2024", DRIFTD__MODELS__CHURN__VERSION="true")
    assert config.kafka.group_id == "2024"
    assert config.models["churn"].version == "true"


def test_a_table_and_a_key_of_it_can_both_be_overridden() -> None:
    config = with_environment(DRIFTD__SERVICE="{ log_level = 'debug' }", DRIFTD__SERVICE__HTTP="")
    assert (config.service.log_level, config.service.http) == ("debug", "")


def test_other_variables_are_left_alone() -> None:
    assert with_environment(DRIFTD_CONFIG="x", DRIFTD_KAFKA="y", PATH="z") == parse(GOOD)


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        (
            "DRIFTD__KAFKA__STRAT",
            "latest",
            'DRIFTD__KAFKA__STRAT: unknown key "strat", did you mean "start"?',
        ),
        (
            "DRIFTD__DATABSE__URL",
            "x",
            'DRIFTD__DATABSE__URL: unknown key "databse", did you mean "database"?',
        ),
        ("DRIFTD__KAFKA__START", "lately", 'DRIFTD__KAFKA__START: kafka.start: "lately" is not one of'),
        ("DRIFTD__KAFKA__START__X", "1", "kafka.start has no keys"),
        ("DRIFTD__ALERTS__ROUTES__0__TO", "x", "alerts.routes has no keys: set it whole"),
        ("DRIFTD__", "x", 'DRIFTD__: unknown key ""'),
        (
            "DRIFTD__LIMITS__BATCH_ROWS",
            "1\nx = 2",
            "DRIFTD__LIMITS__BATCH_ROWS: limits.batch_rows: expected a whole",
        ),
        ("DRIFTD__MODELS", "5", "DRIFTD__MODELS: models: expected a table"),
    ],
)
def test_a_wrong_variable_is_named(variable: str, value: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(GOOD, {variable: value})
    assert told in str(caught.value)


def test_a_secret_in_the_environment_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(GOOD, {"DRIFTD__DATABASE__URL": "mysql://a:hunter3@h/x"})
    assert "hunter3" not in str(caught.value)


def test_the_database_url_can_be_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("sqlite:///x.db\n")
    text = GOOD.replace('url = "postgresql://me:hunter2@localhost/driftd"', 'url_file = "url"')
    assert loaded(tmp_path, text).config.database.url.reveal() == "sqlite:///x.db"
    other = loaded(tmp_path, text, {"DRIFTD__DATABASE__URL": "sqlite:///y.db"})
    assert other.config.database.url.reveal() == "sqlite:///y.db"


def test_a_missing_or_empty_url_file_is_a_mistake_of_its_line(tmp_path: Path) -> None:
    text = GOOD.replace('url = "postgresql://me:hunter2@localhost/driftd"', 'url_file = "url"')
    with pytest.raises(
        ConfigError, match=r"config.toml:5: database.url_file: .*/url cannot be read: No such file"
    ):
        loaded(tmp_path, text)
    (tmp_path / "url").touch()
    with pytest.raises(ConfigError, match="is empty"):
        loaded(tmp_path, text)


def test_a_url_and_a_url_file_together_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"database.url: is given twice"):
        loaded(tmp_path, GOOD.replace("[models.churn]", 'url_file = "x"\n[models.churn]'))


def test_state_is_kept_beside_the_configuration_unless_its_folder_is_absolute(tmp_path: Path) -> None:
    assert loaded(tmp_path).state_dir == tmp_path / "driftd-state"
    assert loaded(tmp_path, GOOD + '[service]\nstate_dir = "/var/s"\n').state_dir == Path("/var/s")


def test_a_section_that_is_not_in_the_file_can_come_from_the_environment() -> None:
    model = with_environment(
        DRIFTD__MODELS__CHURN__CHALLENGER__SEED="7",
        DRIFTD__MODELS__CHURN__LABELS_FIELDS__ID="x",
        DRIFTD__MODELS__CHURN__FIELDS__SCORES__GOLD="p.gold",
        DRIFTD__MODELS__CHURN__FIELDS__SCORES__TIN="p.tin",
        DRIFTD__MODELS__CHURN__PERFORMANCE__TOLERANCE__F1="0.1",
    ).models["churn"]
    assert model.challenger is not None
    assert (model.challenger.seed, model.labels_fields.id) == (7, "x")
    assert model.fields.scores == {"gold": "p.gold", "tin": "p.tin"}
    assert model.performance.tolerance == {"f1": 0.1}


def test_service_urls_come_from_variables_files_or_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("mailto://a\n")
    text = GOOD + ('[alerts.services]\na = { env = "A" }\nb = { file = "mail" }\nc = { url = "json://h" }\n')
    urls = loaded(tmp_path, text).service_urls({"A": "slack://t"})
    assert {name: url.reveal() for name, url in urls.items()} == {
        "a": "slack://t",
        "b": "mailto://a",
        "c": "json://h",
    }


def test_every_service_url_that_is_missing_is_named(tmp_path: Path) -> None:
    text = GOOD + '[alerts.services]\na = { env = "A" }\nb = { file = "mail" }\n'
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text).service_urls({"A": " "})
    assert "alerts.services.a: the environment variable A is not set" in str(caught.value)
    assert "alerts.services.b: " in str(caught.value)


def test_nothing_that_is_printed_shows_a_secret(tmp_path: Path) -> None:
    text = (
        GOOD
        + '[kafka.options]\nsasl_plain_password = "hunter2"\n'
        + '[alerts.services]\nx = { url = "slack://hunter2" }\n'
    )
    both = loaded(tmp_path, text)
    assert "hunter2" not in repr(both) + str(both) + repr(both.config)


def test_the_hash_is_of_what_holds(tmp_path: Path) -> None:
    plain = loaded(tmp_path).sha256
    assert loaded(tmp_path, "# a comment\n" + GOOD).sha256 == plain
    assert loaded(tmp_path, GOOD.replace("hunter2", "hunter3")).sha256 == plain
    assert loaded(tmp_path, GOOD, {"DRIFTD__MODELS__CHURN__WINDOW": "1h"}).sha256 == plain
    assert loaded(tmp_path, GOOD, {"DRIFTD__MODELS__CHURN__WINDOW": "2h"}).sha256 != plain


def test_the_hash_leaves_passwords_of_the_client_out(tmp_path: Path) -> None:
    text = GOOD + "[kafka.options]\nsasl_plain_password = 'a'\nfetch_min_bytes = 1\n"
    plain = loaded(tmp_path, text).sha256
    assert loaded(tmp_path, text.replace("'a'", "'b'")).sha256 == plain
    assert loaded(tmp_path, text.replace("bytes = 1", "bytes = 2")).sha256 != plain


def test_overriding_leaves_the_table_of_the_file_as_it_is() -> None:
    table = {"kafka": {"start": "latest"}}
    made = override(Config, table, {"DRIFTD__KAFKA__START": "earliest"})
    assert made.table["kafka"]["start"] == "earliest"
    assert table == {"kafka": {"start": "latest"}}
