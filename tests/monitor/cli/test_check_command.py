from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monitor.broker import EmbeddedBroker, Limits
from tests.monitor.cli.worlds import CONFIG, World
from tests.services.source_worlds import KafkaWorld

SECRET = "hunter2hunter2hunter2hun"  # noqa: S105
FAST = "[kafka.options]\nbootstrap_timeout_ms = 300\n"
NOWHERE = CONFIG.replace("localhost:9092", "127.0.0.1:1").replace("[database]", FAST + "[database]")


@pytest.fixture
def kafka() -> Iterator[KafkaWorld]:
    with EmbeddedBroker(limits=Limits(auto_create=False)) as broker:
        made = KafkaWorld(broker.bootstrap)
        yield made
        made.close()


def configured(kafka: KafkaWorld, topic: str, model: str = "") -> str:
    text = CONFIG.replace("localhost:9092", kafka.bootstrap).replace('"predictions"', f'"{topic}"')
    return text.replace("[alerts.services]", model + "[alerts.services]")


def built(world: World, folder: Path) -> None:
    """Build the model's reference."""
    rng = np.random.default_rng(1)
    file = folder / "training.parquet"
    pd.DataFrame({"age": rng.normal(40, 10, 500), "plan": rng.choice(["a", "b"], 500)}).to_parquet(file)
    assert world.run("reference", "build", "churn", str(file)).code == 0


def test_a_good_configuration_shows_what_follows_from_it(bare: World) -> None:
    ran = bare.run("check")
    assert ran.code == 0
    assert "config.toml: no mistakes" in ran.out
    assert "windows of 1h, and 2, 4 ... of them up to 5d8h" in ran.out
    assert "false alarms to be expected: at most 1 per 90d" in ran.out
    assert "config.toml:5: models.churn.false_alarms: each 1h window is judged at 2.7e-05" in ran.out
    assert "at most about 1.66 GB a process" in ran.out
    assert not bare.file.exists()


def test_memory_follows_the_limits(bare: World) -> None:
    bare.configure(CONFIG + "[limits]\nwindow_bytes = 100_000_000\nbatch_bytes = 10_000_000\n")
    memory = bare.run("check", "--json").json["memory"]
    assert memory["window_bytes"] == 100_000_000
    assert memory["message_bytes"] == 40_000_000
    assert memory["at_most_bytes"] == memory["program_bytes"] + 140_000_000


def test_what_follows_from_labels_is_told(bare: World) -> None:
    bare.configure(
        CONFIG.replace('topics = ["predictions"]', 'topics = ["predictions"]\nlabels_topics = ["labels"]')
    )
    out = bare.run("check").out
    assert "reads predictions, labels from labels (judged when 90 % of a window's rows have one, or 7d" in out
    assert "after its end; too late after 30d)" in out
    (hint,) = [line for line in out.splitlines() if "models.churn.labels_topics:" in line]
    assert hint.startswith("info")
    assert "same message key, and their topics the same number of partitions" in hint
    assert "judged at 2.3e-05" in out  # an hour of 90 days, in 20 shares
    (model,) = bare.run("check", "--json").json["models"]
    assert (model["budget_shares"], model["labels_topics"]) == (20, ["labels"])


def test_the_share_that_depends_on_the_reference_is_told(bare: World) -> None:
    (model,) = bare.run("check", "--json").json["models"]
    assert (model["budget_shares"], model["budget_shares_if_estimated"]) == (17, 18)
    hour = model["windows"][0]
    assert hour["level"] == pytest.approx(18 / 17 * hour["level_if_estimated"])
    assert "one more for estimated performance if the training rows have labels" in bare.run("check").out


def test_what_looks_odd_is_told_with_its_line_and_fails_nothing(bare: World) -> None:
    bare.configure(CONFIG.replace('topics = ["predictions"]', 'topics = ["predictions"]\nwindow = "1s"'))
    ran = bare.run("check")
    assert ran.code == 0
    (line,) = [line for line in ran.out.splitlines() if "very many small windows" in line]
    assert line.startswith("warning config.toml:7: models.churn.window: ")


def test_every_mistake_is_listed_with_its_line(bare: World) -> None:
    bare.configure(CONFIG.replace("topics", "topisc").replace("[kafka]", "[kafka]\ngroup = 1"))
    ran = bare.run("check")
    assert (ran.code, ran.out) == (2, "")
    assert 'config.toml:2: kafka: unknown key "group", did you mean "group_id"?' in ran.err
    assert 'unknown key "topisc", did you mean "topics"?' in ran.err
    found = bare.run("check", "--json")
    assert (found.code, found.err, found.json["valid"]) == (2, "", False)
    assert len(found.json["mistakes"]) == len(ran.err.splitlines())


def test_json_holds_the_levels_of_all_window_lengths(bare: World) -> None:
    found = bare.run("check", "--json").json
    assert found["valid"]
    (model,) = found["models"]
    assert [window["length"] for window in model["windows"][:3]] == ["1h", "2h", "4h"]
    assert model["windows"][1]["level"] == pytest.approx(2 * model["windows"][0]["level"])
    assert found["hints"][0]["path"] == "models.churn.false_alarms"
    assert found["connections"] == []


ROUTES = """
[alerts.services]
oncall = { env = "A" }
team = { env = "B" }
[[alerts.routes]]
match = { model = ["churn", "fraud"], feature = ["age", "income_*"] }
to = ["team"]
[[alerts.routes]]
match = { model = "frau?", segment = "?*" }
to = []
[[alerts.routes]]
match = { severity = "critical" }
to = ["oncall"]
continue = true
[[alerts.routes]]
match = { model = "c*", shift = ["covariate", "qual*"] }
to = ["team"]
"""


def routed(bare: World) -> None:
    routes = ROUTES.replace("{", "{{").replace("}", "}}")
    bare.configure(CONFIG.partition("[alerts.services]")[0] + routes)


def test_where_alerts_go_is_told(bare: World) -> None:
    routed(bare)
    told = " ".join(bare.run("check").out.split())
    usual = (
        "of churn: critical (covariate, quality) to oncall, team; "
        "critical (prior, concept, performance) to oncall; warning (covariate, quality), "
        "info (covariate, quality) to team; "
        "warning (prior, concept, performance), info (prior, concept, performance) to nobody"
    )
    assert usual in told
    assert "of churn: routes[0], model churn or fraud and feature age or income_*: to team" in told
    assert "routes[1], " not in told, "it is for another model"


def test_where_alerts_go_is_there_for_machines(bare: World) -> None:
    routed(bare)
    (model,) = bare.run("check", "--json").json["models"]
    usual = {(one["severity"], one["shift"]): one["services"] for one in model["alerts"]["usual"]}
    assert usual["critical", "quality"] == ["oncall", "team"]
    assert usual["info", "prior"] == []
    assert [one["route"] for one in model["alerts"]["special"]] == [0]


def test_all_that_is_needed_answers(
    world: World, kafka: KafkaWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONCALL_URL", f"slack://T0AAAAAAA/B0BBBBBBB/{SECRET}")
    world.configure(configured(kafka, kafka.topic(3)))
    built(world, tmp_path)
    ran = world.run("check", "--connect")
    assert ran.code == 0, ran.out
    assert "failed" not in ran.out
    assert f"Kafka: {kafka.bootstrap} answers" in ran.out
    assert "3 partitions, so up to 3 processes share it" in ran.out
    assert "its schema is this version's" in ran.out
    assert "500 rows, 2 columns compared; each 1h window is judged at 2.7e-05 (17 shares)" in ran.out
    assert "service oncall: its URL is understood (slack); nothing was sent" in ran.out
    assert "driftd notify test" in ran.err
    assert SECRET not in ran.out + ran.err


def test_the_hours_of_a_season_are_told(world: World, kafka: KafkaWorld, tmp_path: Path) -> None:
    settings = configured(kafka, kafka.topic(1))
    world.configure(settings.replace("[models.churn]\n", '[models.churn]\nseason = "hour_of_day"\n'))
    rows = pd.DataFrame({"age": np.arange(96 * 100.0) % 17})
    rows["timestamp"] = 1_767_225_600_000 + np.arange(len(rows)) * 36_000
    rows.to_parquet(tmp_path / "timed.parquet")
    assert world.run("reference", "build", "churn", str(tmp_path / "timed.parquet")).code == 0
    told = (
        "9,600 rows, 1 columns compared by hour_of_day in UTC (24 parts of 400 rows or more); each 1h window"
    )
    assert told in world.run("check", "--connect").out


def test_a_topic_that_is_not_there_names_the_key_and_the_nearest(world: World, kafka: KafkaWorld) -> None:
    topic = kafka.topic()
    world.configure(configured(kafka, f"{topic}s"))
    ran = world.run("check", "--connect")
    assert ran.code == 1
    (line,) = [line for line in ran.out.splitlines() if f"topic {topic}s: " in line]
    assert line.startswith("failed")
    assert f"did you mean '{topic}'?" in line
    assert "create it, or correct models.churn.topics" in line


def test_labels_on_another_number_of_partitions_are_pointed_out(world: World, kafka: KafkaWorld) -> None:
    labels = kafka.topic(2)
    more = f'labels_topics = ["{labels}"]\n'
    world.configure(configured(kafka, kafka.topic(4), more))
    assert "different numbers of partitions" in world.run("check", "--connect").out
    world.configure(configured(kafka, kafka.topic(2), more))
    text = world.run("check", "--connect").out
    assert "note    labels of churn: with several processes, a label needs the same message key" in text


def test_what_patterns_match_is_listed(world: World, kafka: KafkaWorld) -> None:
    for name in ("loans.eu", "loans.us", "loans.eu.dlq"):
        kafka.topic(2, name)
    text = configured(kafka, "^loans[.].*", 'labels_topics = ["^truth[.].*"]\nfields.label = "label"\n')
    world.configure(text.replace("[database]", 'dead_letters = "{{topic}}.dlq"\n[database]'))
    out = world.run("check", "--connect").out
    assert "ok      topics ^loans[.].*: matches, with so many partitions: loans.eu (2), loans.us (2)\n" in out
    assert "note    topics ^truth[.].*: matches no topic yet: one that appears is read from its beginn" in out
    assert "ok      dead letters loans.eu.dlq: the topic is there" in out
    assert "note    dead letters loans.us.dlq: the topic is not there yet" in out
    kafka.topic(3, "truth.eu")
    out = world.run("check", "--connect").out
    assert "different numbers of partitions (loans.eu 2, loans.us 2, truth.eu 3): give them the same" in out


def test_what_patterns_bring_together_is_pointed_out(world: World, kafka: KafkaWorld) -> None:
    kafka.topic(1, "loans.eu")
    more = 'labels_topics = ["^.*eu$"]\nfields.label = "label"\n[models.other]\ntopics = ["loans.eu"]\n'
    world.configure(configured(kafka, "^loans[.].*", more))
    out = world.run("check", "--connect").out
    assert "failed  topic loans.eu: a pattern of models.churn.topics and one of labels_topics match it" in out
    assert "note    topic loans.eu: is read by churn, other: every message counts for churn, other" in out


def test_a_missing_topic_for_dead_letters_is_a_note(world: World, kafka: KafkaWorld) -> None:
    text = configured(kafka, kafka.topic())
    world.configure(text.replace("[database]", 'dead_letters = "dead"\n[database]'))
    assert "note    dead letters dead: the topic is not there yet" in world.run("check", "--connect").out


def test_what_does_not_answer_is_told_with_the_way_out_and_the_rest_is_tried(world: World) -> None:
    world.configure(NOWHERE)
    ran = world.run("check", "--connect")
    assert ran.code == 1
    failed = [line for line in ran.out.splitlines() if line.startswith("failed")]
    for line, words in zip(
        failed,
        (
            "check kafka.bootstrap_servers",
            "driftd reference build churn FILE",
            "the environment variable ONCALL_URL is not set",
        ),
        strict=True,
    ):
        assert words in line
    assert "3 failed" in ran.err
    found = world.run("check", "--connect", "--json")
    assert found.code == 1
    assert [one["state"] for one in found.json["connections"]] == ["failed", "ok", "failed", "failed"]


def test_a_database_file_is_not_made_by_looking(bare: World) -> None:
    bare.configure(NOWHERE)
    assert "SQLite file" in bare.run("check", "--connect").out
    assert not bare.file.exists()
    bare.configure(NOWHERE.replace("[models", 'migrate = "auto"\n[models'))
    (line,) = [line for line in bare.run("check", "--connect").out.splitlines() if "SQLite file" in line]
    assert line.startswith("note")
    assert not bare.file.exists()


def test_a_file_that_is_no_database_is_a_sentence(bare: World) -> None:
    bare.configure(NOWHERE)
    bare.file.write_bytes(b"no database " * 100)
    (line,) = [line for line in bare.run("check", "--connect").out.splitlines() if "database:" in line]
    assert "file is not a database" in line


def test_no_password_is_ever_shown(bare: World) -> None:
    options = (
        f'[kafka.options]\nsasl_plain_password = "{SECRET}"\nssl_check_hostname = false\n'
        f'partition_assignment_strategy = "{SECRET}"\n'
    )
    url = f'url = "postgresql://me:{SECRET}@127.0.0.1:1/driftd"'
    text = NOWHERE.replace(FAST, options).replace('url = "sqlite:///{folder}/driftd.sqlite"', url)
    bare.configure(text)
    ran = bare.run("check", "--connect")
    assert ran.code == 1
    assert "PostgreSQL 127.0.0.1:1/driftd" in ran.out
    assert "partition_assignment_strategy: '***' is none of" in ran.out
    assert SECRET not in ran.out + ran.err


def test_the_levels_of_segments_are_told(bare: World) -> None:
    bare.configure(CONFIG.replace("[alerts.services]", 'segments = ["plan", "sex"]\n[alerts.services]'))
    out = bare.run("check").out
    assert "judged at 2.6e-05" in out  # an hour of 90 days, in 18 shares
    assert "; segments, all together, at 3.2e-06 to 0.00041; the budget has 18 shares" in out
    assert "data quality, segments and evidence over windows (8)" in out
    (model,) = bare.run("check", "--json").json["models"]
    hour = model["windows"][0]
    assert hour["level_of_segments"] == pytest.approx(1 / 2160 / 18 / 8)
    assert hour["level_of_segments_if_estimated"] == pytest.approx(1 / 2160 / 19 / 8)
