"""What a valid configuration means: presets, routes, and what lint remarks on."""

from __future__ import annotations

import pytest

from monitor.config import Fields, Level, Model, lint, parse
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


def test_routes_reach_the_alerts_as_written() -> None:
    text = GOOD + '[[alerts.routes]]\nmatch = { model = "churn" }\nto = ["oncall"]\ncontinue = true\n'
    (route,) = parse(text).alerts.routing()
    assert (route.match, route.to, route.continue_) == ({"model": "churn"}, ("oncall",), True)


def test_a_plain_configuration_gets_no_warning_but_is_told_its_level() -> None:
    found = remarks(GOOD + 'false_alarms = "1 per 30d"\nwindows_up_to = "1h"')
    assert Level.WARNING not in {level for level, _ in found.values()}
    # 1 h of 720 h; one share for the data-quality checks
    assert "each 1h window is judged at 0.00069" in found["models.churn.false_alarms"][1]


@pytest.mark.parametrize(
    ("more", "path", "level", "told"),
    [
        ('lateness = "2h"', "models.churn.window", "warning", "shorter than lateness"),
        ('window = "30s"\nlateness = "0s"', "models.churn.window", "warning", "very many"),
        ('windows_up_to = "30m"', "models.churn.windows_up_to", "info", "only single windows"),
        ('false_alarms = "999 per 1d"', "models.churn.false_alarms", "warning", "generous"),
        ('labels_topics = ["l"]', "models.churn.labels_topics", "info", "same message key"),
        ('fields = { id = "" }', "models.churn.fields.id", "info", "duplicates are not counted"),
        ("detectors = { numeric = [] }", "models.churn.detectors", "warning", "has no test"),
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
