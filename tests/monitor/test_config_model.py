"""What a valid configuration means: presets, routes, and what lint remarks on."""

from __future__ import annotations

import pytest

from monitor.config import Fields, LabelsFields, Level, Model, Performance, lint, parse
from monitor.decode.layout import Meta

GOOD = """
[kafka]
bootstrap_servers = ["localhost:9092"]
[database]
url = "sqlite://"
[alerts.services]
oncall = { env = "X" }
[models.churn]
topics = ["p"]
"""


def remarks(text: str) -> dict[str, tuple[Level, str]]:
    return {hint.path: (hint.severity, hint.text) for hint in lint(parse(text))}


def test_the_nested_preset_looks_into_an_object() -> None:
    found = Fields().resolved("churn")
    assert (found.id, found.timestamp, found.container, found.features) == (
        ("id",),
        ("timestamp",),
        ("features",),
        None,
    )
    assert (found.prediction, found.score, found.label) == (("prediction",), ("score",), ("label",))
    assert found.model is None


def test_the_flat_preset_takes_every_other_scalar() -> None:
    found = Fields(preset="flat").resolved("churn")
    assert (found.id, found.container, found.features) == (("request_id",), (), None)


def test_own_keys_go_before_the_preset_and_an_empty_text_switches_one_off() -> None:
    found = Fields(id="$key", label="", features=("a", r"b\.c"), model="m").resolved("churn")
    assert found.id == Meta("key")
    assert found.label is None
    assert found.features == (("a",), ("b.c",))
    assert found.model_name == "churn"
    assert Fields(features="").resolved("churn").container == ()


def test_labels_are_looked_for_where_the_fields_say_unless_they_have_places_of_their_own() -> None:
    fields = Fields(id="key", label="truth", timestamp_unit="s", model="m", model_name="prod")
    same = LabelsFields().resolved(fields, "churn")
    assert (same.id, same.label, same.timestamp) == (("key",), ("truth",), ("timestamp",))
    assert (same.timestamp_unit, same.model, same.model_name) == ("s", ("m",), "prod")
    own = LabelsFields(id="p.id", label="y", timestamp="at", timestamp_unit="us", model="", model_name="x")
    other = own.resolved(fields, "churn")
    assert (other.id, other.label, other.timestamp) == (("p", "id"), ("y",), ("at",))
    assert (other.timestamp_unit, other.model, other.model_name) == ("us", None, "x")
    assert LabelsFields().resolved(Fields(), "churn").model_name == "churn"


@pytest.mark.parametrize("path", ["", "$timestamp"])
def test_the_time_that_kafka_recorded_is_in_milliseconds_whatever_the_fields_say(path: str) -> None:
    found = LabelsFields(timestamp=path).resolved(Fields(timestamp_unit="s"), "churn")
    assert (found.timestamp, found.timestamp_unit) == (Meta("timestamp"), "ms")


def test_scores_of_classes_replace_the_one_score_and_their_columns_end_with_the_class() -> None:
    found = Fields(scores={"a": "p.a", "b": "second", "c.d": r"p.c\.d", "p.e": "p.e"}).resolved("churn")
    assert found.score is None
    assert found.score_columns == {
        "p.a": ("p", "a"),
        "second:b": ("second",),
        r"p.c\.d:c.d": ("p", "c.d"),
        "p.e": ("p", "e"),
    }
    assert Fields().resolved("churn").score_columns == {}


def test_the_metrics_that_alarm_are_those_of_the_task() -> None:
    assert Performance().alarming("binary") == ("accuracy", "roc_auc", "f1")
    assert Performance().alarming("regression") == ("mae", "rmse")
    chosen = Performance(metrics=("recall", "rmse"))
    assert (chosen.alarming("binary"), chosen.alarming("multiclass")) == (("recall",), ())


def test_topics_that_are_in_both_lists_are_shared() -> None:
    assert Model(topics=("a", "b"), labels_topics=("b", "c")).shared_topics.entries == ("b",)


def test_labels_take_shares_of_the_budget_that_the_remark_names() -> None:
    plain = parse(GOOD + 'false_alarms = "1 per 30d"\nwindows_up_to = "1h"')
    labelled = parse(GOOD + 'labels_topics = ["l"]\nfalse_alarms = "1 per 30d"\nwindows_up_to = "1h"')
    assert [plain.models["churn"].budget_shares(is_estimated=each) for each in (False, True)] == [3, 4]
    assert [labelled.models["churn"].budget_shares(is_estimated=each) for each in (False, True)] == [6, 6]
    (text,) = (hint.text for hint in lint(labelled) if hint.path == "models.churn.false_alarms")
    assert "judged at 0.00023" in text  # 1 h of 720 h, in 6 shares
    assert (
        "6 shares: 1 lengths, data quality, estimated performance, labels, evidence over windows and" in text
    )
    (text,) = (hint.text for hint in lint(plain) if hint.path == "models.churn.false_alarms")
    assert text.endswith("and one more for estimated performance if the training rows have labels")


@pytest.mark.parametrize(
    ("concept", "without_labels", "with_labels"),
    [
        ("", False, True),
        ('signals = ["score"]', True, True),
        ('signals = ["nulls", "bias"]', True, True),
        ('detectors = []\nsignals = ["score"]', False, False),
        ("signals = []", False, False),
    ],
)
def test_sequential_detectors_take_a_share_when_there_is_something_to_step_through(
    concept: str, without_labels: bool, with_labels: bool
) -> None:
    for labels, wanted in (("", without_labels), ('labels_topics = ["l"]\n', with_labels)):
        model = parse(f"{GOOD}{labels}[models.churn.concept]\n{concept}").models["churn"]
        assert ("sequential detectors" in model.budget_parts(is_estimated=False)) is wanted


def test_lengths_double_up_to_the_longest() -> None:
    assert Model(topics=("p",)).multiples == (1, 2, 4, 8, 16, 32, 64, 128)


def test_a_model_is_compared_with_its_own_reference_unless_it_names_another() -> None:
    assert parse(GOOD).reference_name("churn") == "churn"
    assert parse(GOOD + 'reference = "old"').reference_name("churn") == "old"


def test_dead_letters_go_to_a_topic_of_the_messages_topic() -> None:
    text = GOOD.replace("[database]", 'dead_letters = "{topic}.driftd.dlq"\n[database]')
    assert parse(text).kafka.dead_letter_topic("p") == "p.driftd.dlq"
    assert parse(GOOD).kafka.dead_letter_topic("p") is None


def test_links_are_filled_in_safely() -> None:
    links = parse(GOOD + '[alerts.links]\nrunbook = "https://w/{model}"').alerts.links
    assert links.of_model("a b/c") == {"runbook": "https://w/a%20b%2Fc"}


def test_routes_take_lists_and_patterns() -> None:
    text = '[[alerts.routes]]\nto = []\nmatch = { model = ["churn", "f_*"], shift = "co*", owner = "risk" }'
    (route,) = parse(GOOD + text).alerts.routing()
    assert route.match == {"model": ("churn", "f_*"), "shift": ("co*",), "owner": ("risk",)}


def test_routes_reach_the_alerts_as_written() -> None:
    text = GOOD + '[[alerts.routes]]\nmatch = { model = "churn" }\nto = ["oncall"]\ncontinue = true\n'
    (route,) = parse(text).alerts.routing()
    assert (route.match, route.to, route.continue_) == ({"model": ("churn",)}, ("oncall",), True)


def test_a_plain_configuration_gets_no_warning_but_is_told_its_level() -> None:
    found = remarks(GOOD + 'false_alarms = "1 per 30d"\nwindows_up_to = "1h"')
    assert Level.WARNING not in {level for level, _ in found.values()}
    # 1 h of 720 h; one share for the data-quality checks, one for evidence over windows
    assert "each 1h window is judged at 0.00046" in found["models.churn.false_alarms"][1]


@pytest.mark.parametrize(
    ("more", "path", "level", "told"),
    [
        ('lateness = "2h"', "models.churn.window", "warning", "shorter than lateness"),
        ('window = "30s"\nlateness = "0s"', "models.churn.window", "warning", "very many"),
        ('windows_up_to = "30m"', "models.churn.windows_up_to", "info", "only single windows"),
        (
            'window = "2d"\nseason = "hour_of_day"',
            "models.churn.season",
            "info",
            "each 2d window has all hours",
        ),
        ('false_alarms = "999 per 1d"', "models.churn.false_alarms", "warning", "generous"),
        ('labels_topics = ["l"]', "models.churn.labels_topics", "info", "same message key"),
        ('labels_topics = ["l"]', "models.churn.labels_topics", "info", "same number of partitions"),
        (
            'labels_topics = ["l"]\nwindow = "1d"\nlabels_horizon = "1h"\nlabels_wait = "1h"',
            "models.churn.labels_horizon",
            "warning",
            "too late before it has ended",
        ),
        ("challenger = {}", "models.churn.challenger", "warning", "no labels_topics"),
        ('labels_fields = { id = "x" }', "models.churn.labels_fields", "info", "replay --labels only"),
        (
            'labels_topics = ["l"]\n[models.b]\ntopics = ["q"]\nlabels_topics = ["l"]',
            "models.b.labels_fields.model",
            "warning",
            "has labels of churn too",
        ),
        ('fields = { id = "" }', "models.churn.fields.id", "info", "duplicates are not counted"),
        ("detectors = { numeric = [] }", "models.churn.detectors", "warning", "has no test"),
        ('idle_after = "45s"', "models.churn.idle_after", "warning", "a process that has died stand still"),
        (
            "[kafka.options]\nsession_timeout_ms = 300000",
            "models.churn.idle_after",
            "warning",
            "than a Kafka session (5m)",
        ),
        ('freshness = "2h"', "models.churn.freshness", "info", "later than a window"),
        ('reference = "chrn"', "models.churn.reference", "info", 'did you mean "churn"?'),
        ('[models.b]\ntopics = ["p"]', "models.b.fields.model", "warning", "also read by churn"),
        ("[[alerts.routes]]\nto = []", "alerts.routes[0].to", "info", "told to nobody"),
        ("[[alerts.routes]]\nto = []", "alerts.services.oncall", "warning", "no route leads"),
        (
            '[[alerts.routes]]\nmatch = { model = "chrn" }\nto = ["oncall"]',
            "alerts.routes[0].match",
            "warning",
            "churn",
        ),
        (
            '[[alerts.routes]]\nmatch = { model = ["ch*", "fr*"] }\nto = ["oncall"]',
            "alerts.routes[0].match",
            "warning",
            'there is no model "fr*": the route takes nothing of it',
        ),
        (
            '[[alerts.routes]]\nmatch.model = "c*"\nto = []\n[[alerts.routes]]\nmatch.model = "cat"\nto = []',
            "alerts.routes[1]",
            "warning",
            "never reached: routes[0]",
        ),
        (
            '[[alerts.routes]]\nto = ["oncall"]\n[[alerts.routes]]\nmatch = { model = "x" }\nto = ["oncall"]',
            "alerts.routes[1]",
            "warning",
            "never reached: routes[0]",
        ),
        (
            '[[alerts.routes]]\nmatch = { model = "churn" }\nto = ["oncall"]',
            "alerts.routes",
            "info",
            "last route",
        ),
        ('[service]\nhttp = "0.0.0.0:9464"', "service.http", "info", "other machines"),
        ('[database.retention]\ncounts = "2d"', "database.retention.counts", "warning", "shorter than"),
        (
            '[database.retention]\ndaily_after = "2d"',
            "database.retention.daily_after",
            "warning",
            "which need each window",
        ),
        ('[alerts.services.b]\nurl = "json://h"', "alerts.services.b", "warning", "in the file"),
    ],
)
def test_what_looks_odd_is_remarked_on(more: str, path: str, level: str, told: str) -> None:
    severity, text = remarks(GOOD + more)[path]
    assert severity == level
    assert told in text


def test_a_route_that_continues_hides_nothing() -> None:
    text = GOOD + '[[alerts.routes]]\nto = ["oncall"]\ncontinue = true\n[[alerts.routes]]\nto = ["oncall"]\n'
    assert "alerts.routes[1]" not in remarks(text)


def test_no_model_and_no_service_are_remarked_on() -> None:
    found = remarks('[kafka]\nbootstrap_servers = ["h:1"]\n[database]\nurl = "sqlite://"\n')
    assert {"models", "alerts.services"} <= found.keys()
