"""Every mistake is named, with its line and the way out; nothing secret is repeated."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import Config, Model, parse
from monitor.config.lines import line_of, locate
from monitor.config.reader import read
from monitor.config.section import InvalidSection
from monitor.errors import ConfigError

KAFKA = '[kafka]\nbootstrap_servers = ["localhost:9092"]\n'
DATABASE = '[database]\nurl = "sqlite://"\n'
MODEL = '[models.churn]\ntopics = ["p"]\n'
GOOD = KAFKA + DATABASE + MODEL
LABELLED = GOOD + 'labels_topics = ["l"]\nfields = { id = "i", label = "l" }\n'
APART = (
    'partition_assignment_strategy = "cooperative-sticky"',
    'partition_assignment_strategy = ["range", "roundrobin"]',
    '"partition.assignment.strategy" = "range,roundrobin"',
    '"group.protocol" = "consumer"',
)
TOGETHER = (
    'partition_assignment_strategy = "range"',
    'partition_assignment_strategy = ["range"]',
    '"group.protocol" = "consumer"\n"group.remote.assignor" = "range"',
)


def refusal(text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, environ)
    return str(caught.value).splitlines()


def test_every_mistake_is_named_with_its_line() -> None:
    text = """
[kafka]
bootstrap_servers = "localhost:9092"
client = "confluent"
max_poll_records = 0

[database]
url = "sqlite://"
migrate = "outo"

[models.churn]
topics = []
windw = "1h"
lateness = 5
min_effect = 2
quality = "yes"

[models.churn.fields]
id = "a..b"

[alerts]
repeat_interval = "5 minutes"
"""
    lines = refusal(text)
    assert [line.split(": ")[:2] for line in lines] == [
        ["config.toml:3", "kafka.bootstrap_servers"],
        ["config.toml:4", "kafka.client"],
        ["config.toml:5", "kafka.max_poll_records"],
        ["config.toml:9", "database.migrate"],
        ["config.toml:13", "models.churn"],
        ["config.toml:14", "models.churn.lateness"],
        ["config.toml:15", "models.churn.min_effect"],
        ["config.toml:16", "models.churn.quality"],
        ["config.toml:19", "models.churn.fields.id"],
        ["config.toml:22", "alerts.repeat_interval"],
    ]
    told = "\n".join(lines)
    for part in (
        "expected a list in [ ]",
        '"confluent" is not one of "kafka-python", "librdkafka"',
        "expected a whole number >= 1, got 0",
        'one of "check", "auto", did you mean "auto"?',
        'models.churn: unknown key "windw", did you mean "window"?',
        'write the unit too, like "5m"',
        "expected a number < 1.0, got 2",
        'expected true or false, got "yes"',
        "has an empty part",
        "is not a duration",
    ):
        assert part in told, part


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "config.toml: missing section [kafka]"),
        ("[kafka]\n" + DATABASE, 'config.toml:1: kafka: missing key "bootstrap_servers"'),
        (KAFKA + "[database]\n", "DRIFTD__DATABASE__URL"),
        (KAFKA + "[database]\nurl = 'mysql://u@h/x'", 'database.url: begins with "mysql://"'),
        (GOOD + 'window = "7h"', 'config.toml:7: models.churn.window: "7h" neither divides a day'),
        (GOOD + 'window = "36h"', "neither divides a day"),
        (GOOD + 'season = "hour_of_month"', "hour_of_month"),
        (GOOD + 'time_zone = "Lisbon"', 'time_zone: "Lisbon" is no time zone that is known here'),
        (GOOD + 'window = "0s"', "neither divides a day"),
        (GOOD + 'false_alarms = "often"', "models.churn.false_alarms: "),
        (GOOD + f'false_alarms = "{"9" * 400} per 1d"', "beyond any number"),
        (
            GOOD + 'labels_topics = ["l"]\nfields = { label = "" }',
            "fields.label: is off, but labels_topics need it",
        ),
        (
            GOOD + 'labels_topics = ["l"]\nfields = { id = "" }',
            "fields.id: is off, but labels_topics need it",
        ),
        (
            GOOD + 'labels_topics = ["l"]\nlabels_fields = { id = "" }',
            "labels_fields.id: is off, but labels_topics need it",
        ),
        (
            GOOD + 'labels_topics = ["l", "p"]\nfields = { label = "" }\nlabels_fields = { label = "y" }',
            "fields.label: is off, but labels_topics need it",
        ),
        (GOOD + 'labels_fields = { label = "$key" }', 'labels_fields.label: "$key" is not in the message\'s'),
        (GOOD + 'labels_fields = { timestamp = "a." }', "labels_fields.timestamp: "),
        (
            GOOD + 'labels_fields = { model_name = "x" }',
            "labels_fields.model_name: is compared with the value",
        ),
        (
            GOOD + 'labels_fields = { timestamp_unit = "h" }',
            'labels_fields.timestamp_unit: "h" is not one of',
        ),
        (GOOD + 'labels_fields = { score = "s" }', 'labels_fields: unknown key "score"'),
        (
            GOOD + 'labels_topics = ["p"]\nlabels_fields = { id = "x", timestamp = "" }',
            "labels_fields.timestamp: is never used: all labels_topics are among topics",
        ),
        (GOOD + 'labels_wait = "31d"', "labels_wait: 31d is longer than labels_horizon = 30d"),
        (GOOD + 'labels_wait = "0s"\nlabels_horizon = "0s"', "labels_horizon: is 0: every label"),
        (GOOD + "labels_share = 0", "labels_share: expected a number > 0.0, got 0"),
        (GOOD + "labels_share = 1.1", "labels_share: expected a number <= 1.0, got 1.1"),
        (GOOD + 'fields = { scores = { a = "p.a" } }', "fields.scores: has one class"),
        (GOOD + 'fields = { scores = { a = "p", b = "p" } }', 'scores.b: "p" is the path of another class'),
        (GOOD + 'fields = { scores = { a = "p", b = "" } }', "scores.b: "),
        (GOOD + 'fields = { scores = { a = "p", b = "$key" } }', 'scores.b: "$key" is not in the message'),
        (GOOD + 'fields = { score = "s", scores = { a = "p", b = "q" } }', "score: is given beside scores"),
        (GOOD + 'performance = { task = "ranking" }', '"ranking" is not one of "binary", "multiclass"'),
        (GOOD + "performance = { threshold = 1.5 }", "performance.threshold: expected a number <= 1.0"),
        (GOOD + 'performance = { metrics = ["acuracy"] }', 'metrics[0]: "acuracy" is not one of'),
        (GOOD + 'performance = { metrics = ["f1", "f1"] }', 'metrics[1]: "f1" is listed twice'),
        (
            GOOD + 'performance = { task = "regression", metrics = ["f1"] }',
            'metrics[0]: "f1" is no metric of a regression model: take mae, rmse',
        ),
        (
            GOOD + 'performance = { task = "multiclass", tolerance = { f1 = 0.1 } }',
            'tolerance.f1: "f1" is no metric of a multiclass model',
        ),
        (
            GOOD + 'performance = { task = "regression", positive = "1" }',
            'performance.positive: is for task = "binary", not "regression"',
        ),
        (GOOD + "performance = { tolerance = { f1 = -0.1 } }", "tolerance.f1: expected a number >= 0"),
        (GOOD + "performance = { tolerance = { f2 = 0.1 } }", 'tolerance.f2: "f2" is not one of'),
        (GOOD + 'concept = { detectors = ["eddm"] }', 'detectors[0]: "eddm" is not one of "adwin", "ddm"'),
        (GOOD + 'concept = { signals = ["loss", "loss"] }', 'signals[1]: "loss" is listed twice'),
        (GOOD + 'concept = { nulls_of = ["age"] }', 'nulls_of: is never used: "nulls" is not among'),
        (GOOD + 'challenger = { base = "bagging" }', 'challenger.base: "bagging" is not one of'),
        (GOOD + "challenger = { rows_per_s = 0 }", "challenger.rows_per_s: expected a number > 0"),
        (GOOD + "challenger = { seed = -1 }", "challenger.seed: expected a whole number >= 0"),
        (GOOD + '[service]\nstate_dir = " "', "service.state_dir: is empty: name a folder"),
        (GOOD + "[limits]\njoin_bytes = 1000", "limits.join_bytes: expected a whole number >= 16777216"),
        (GOOD + 'fields = { preset = "none" }', 'fields.timestamp: is needed: give a path, or "$timestamp"'),
        (GOOD + "fields = { features = [] }", "models.churn.fields.features: is an empty list"),
        (GOOD + 'fields = { features = ["a", "a"] }', 'features[1]: "a" is listed twice'),
        (GOOD + 'fields = { features = ["$key"] }', "is not in the message's value"),
        (GOOD + 'fields = { model_name = "x" }', "model_name: is compared with the value at `model`"),
        (GOOD + 'fields = { version = "v" }', 'models.churn.fields: unknown key "version"'),
        (GOOD + "[limits]\nmax_open_windows = 1", 'limits: unknown key "max_open_windows"'),
        (GOOD + "row_count = { min = 2, max = 1 }", "row_count.min: 2 is more than max = 1"),
        (GOOD + "detectors = { thresholds = { tv = 0.1 } }", '"tv" is not among the distances'),
        (GOOD + "detectors = { thresholds = { psii = 0.1 } }", 'did you mean "psi"?'),
        (GOOD + "detectors = { thresholds = { psi = nan } }", "expected a number > 0"),
        (GOOD + '[models."a\\nb"]\ntopics = ["p"]', "printable characters"),
        (GOOD + '[models.b]\ntopics = ["p q"]', 'models.b.topics[0]: "p q" cannot be a topic'),
        (GOOD + "[alerts.services]\nx = {}", 'services.x: give exactly one of { env = "NAME" }'),
        (GOOD + '[alerts.services]\nx = { env = "A", file = "b" }', "give exactly one of"),
        (
            GOOD + '[alerts.services]\nx = { env = "A", digest = "weekly" }',
            'services.x.digest: "weekly" is no time for a digest: write "daily 07:00" or "monday 07:00"',
        ),
        (
            GOOD + '[alerts.services]\nx = { env = "A", kind = "webhook", digest = "daily 07:00" }',
            "is for people, not for a service of kind webhook",
        ),
        (GOOD + '[alerts.services]\nx = { env = "A", kind = "alertmanger" }', "services.x.kind"),
        (
            GOOD + '[alerts.services]\noncall = { env = "A" }\n[[alerts.routes]]\nto = ["oncal"]',
            'mean "oncall"? (known',
        ),
        (GOOD + '[[alerts.routes]]\nto = ["x"]', "[alerts.services] is empty"),
        (GOOD + '[[alerts.routes]]\nto = []\nmatch = { modle = "x" }', 'did you mean "model"?'),
        (
            GOOD + '[[alerts.routes]]\nto = []\nmatch = { severity = "high" }',
            "none of info, warning, critical",
        ),
        (
            GOOD + '[[alerts.routes]]\nto = []\nmatch = { severity = ["critical", "wraning"] }',
            'match.severity[1]: "wraning" is none of info, warning, critical, did you mean "warning"?',
        ),
        (
            GOOD + '[[alerts.routes]]\nto = []\nmatch = { shift = "cov?" }',
            'match.shift: "cov?" is none of covariate',
        ),
        (
            GOOD + "[[alerts.routes]]\nto = []\nmatch = { feature = [] }",
            "match.feature: is an empty list, which no alert fits",
        ),
        (GOOD + "[[alerts.routes]]\nto = []\nmatch = { model = 5 }", "match"),
        (GOOD + '[alerts.links]\nrunbook = "wiki"', "has to begin with http"),
        (GOOD + '[alerts.links]\nrunbook = "https://w/{modl}"', "unknown placeholder"),
        (GOOD + '[service]\nhttp = "9464"', 'service.http: "9464" is not HOST:PORT'),
        (KAFKA + 'dead_letters = "p"\n' + DATABASE + MODEL, "round in circles"),
        (KAFKA + 'dead_letters = "{tpic}.dlq"\n' + DATABASE, "cannot be a topic"),
        (
            KAFKA + "[kafka.options]\ngroup_id = 'x'\n" + DATABASE,
            "options.group_id: cannot be passed through",
        ),
        *((LABELLED + f"[kafka.options]\n{option}\n", 'labels_topics need "range"') for option in APART),
        ("[kafka\n", "config.toml:1: not valid TOML"),
        ("a = 1\na = 2\n", "config.toml:2: not valid TOML"),
        ("x = " + "9" * 5000, "not valid TOML"),
        ("x = " + "[" * 5000, "config.toml"),
    ],
)
def test_mistakes_are_named_with_the_way_out(text: str, told: str) -> None:
    assert told in "\n".join(refusal(text))


@pytest.mark.parametrize("option", TOGETHER)
def test_labels_and_predictions_may_be_shared_out_alike(option: str) -> None:
    parse(LABELLED + f"[kafka.options]\n{option}\n")


@pytest.mark.parametrize("option", APART)
def test_without_labels_partitions_may_be_shared_out_in_any_way(option: str) -> None:
    parse(GOOD + f"[kafka.options]\n{option}\n")


@pytest.mark.parametrize(
    "text",
    [
        KAFKA + '[database]\nurl = "mysql://me:hunter2@h/x"',
        KAFKA + '[database]\nurl = ["hunter2"]',
        KAFKA + "[database]\nurl = hunter2",
        GOOD + '[alerts.services]\nx = "slack://hunter2"',
        GOOD + '[alerts.services]\nx = { env = 5, url = "slack://hunter2" }',
        GOOD + '[alerts.services]\nx = { env = "X", url = "slack://hunter2" }',
        KAFKA + '[kafka.options]\ngroup_id = "hunter2"\n' + DATABASE,
    ],
)
def test_no_secret_is_repeated_in_an_error(text: str) -> None:
    assert "hunter2" not in "\n".join(refusal(text))


def test_a_section_made_in_code_is_checked_too() -> None:
    with pytest.raises(InvalidSection, match="topics: is empty"):
        Model(topics=())


LOCATED = '''
# comment = 1
top = 1
"quoted key" = """
[not.a.table]
nor = "a key"
"""
a . "b.c" = 2
list = [
  1, # ] not the end
  "]", { x = "}" },
]

[one.two]
key = 'it''s'
path = 'C:\\'
[[one.many]]
x = 1
[[one.many]]
[one.many.sub]
y = """"quoted" \\""" still"""
z = 3
'''.replace("'it''s'", "'its'")


def test_keys_and_tables_are_found_where_they_stand() -> None:
    tomllib.loads(LOCATED)
    lines = locate(LOCATED)
    text = ["", *LOCATED.split("\n")]
    expected = {
        ("top",): "top = 1",
        ("quoted key",): '"quoted key" = """',
        ("a", "b.c"): 'a . "b.c" = 2',
        ("list",): "list = [",
        ("one", "two"): "[one.two]",
        ("one", "two", "key"): "key = 'its'",
        ("one", "two", "path"): "path = 'C:\\'",
        ("one", "many", 0, "x"): "x = 1",
        ("one", "many", 1): "[[one.many]]",
        ("one", "many", 1, "sub", "z"): "z = 3",
    }
    assert {place: text[lines[place]] for place in expected} == expected
    assert lines["one", "many", 1] > lines["one", "many", 0]
    assert ("nor",) not in lines


def test_what_an_inline_value_holds_has_the_line_of_its_key() -> None:
    lines = locate(LOCATED)
    assert line_of(("list", 2, "x"), lines) == lines["list",]
    assert line_of(("nothing", "here"), lines) is None


def places(value: Any, here: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    """Every table and key below; lists count whole."""
    if not isinstance(value, dict):
        return {here}
    return {here}.union(*(places(item, (*here, key)) for key, item in value.items()))


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_every_key_of_a_table_without_inline_tables_is_found(ending: str) -> None:
    text = "a=1\n[b]\nc.d=2\n'e f'=[1,\n2]\n[g.h]\ni='''x\n[z]\n'''\n".replace("\n", ending)
    assert places(tomllib.loads(text)) - {()} == set(locate(text))


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
WORDS = (
    "kafka database models alerts service limits url topics fields routes services window match to options "
    "bootstrap_servers features detectors thresholds url_file"
)
known_words = st.sampled_from(WORDS.split())
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(known_words | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(trees)
@settings(max_examples=300, deadline=None)
def test_anything_is_a_configuration_or_a_list_of_mistakes(table: Any) -> None:
    config, mistakes = read(Config, table)
    assert (config is None) == bool(mistakes)
    assert all(mistake.text for mistake in mistakes)


@given(path=st.lists(known_words, min_size=1, max_size=4), value=trees)
@settings(max_examples=300, deadline=None)
def test_one_strange_value_in_a_good_table_is_a_configuration_or_a_mistake(
    path: list[str], value: Any
) -> None:
    table = tomllib.loads(GOOD)
    inner = table
    for key in path[:-1]:
        inner = inner.setdefault(key, {}) if isinstance(inner.get(key, {}), dict) else inner
    inner[path[-1]] = value
    config, mistakes = read(Config, table)
    assert (config is None) == bool(mistakes)


@given(st.text(alphabet=st.sampled_from("[]{}=\"'.,#\\\n ak1"), max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_text_ends_in_a_config_error_that_names_the_file(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^config\.toml"):
        parse(text)
