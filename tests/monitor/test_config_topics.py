"""What may stand in `topics` and `labels_topics`, and what is said of it."""

from __future__ import annotations

import pytest

from monitor.config import Config, lint, parse
from monitor.config.model import Model
from monitor.errors import ConfigError

CONFIG = """
[kafka]
bootstrap_servers = ["127.0.0.1:1"]
{kafka}
[database]
url = "sqlite://"
"""


def config(*models: str, kafka: str = "") -> Config:
    tables = "".join(f"[models.m{number}]\n{keys}\n" for number, keys in enumerate(models))
    return parse(CONFIG.format(kafka=kafka) + tables)


def hints(*models: str) -> list[str]:
    return [f"{hint.path}: {hint.text}" for hint in lint(config(*models))]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("^", 'models.m0.topics[0]: "^" matches no name: write a regular expression after it'),
        (r"^a(", 'models.m0.topics[0]: "^a(" is no regular expression (Python\'s): '),
        (r"^(a)\\1", "groups have no names here, and nothing can refer to them"),
        (r"^(?P<x>a)", "groups have no names here, and nothing can refer to them"),
        ("a b", '"a b" cannot be a topic: a topic has 1 to 249 letters'),
    ],
)
def test_what_is_no_pattern_is_told(entry: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(f'topics = ["{entry}"]')
    assert words in str(caught.value)


def test_a_pattern_is_listed_once() -> None:
    with pytest.raises(ConfigError, match='topics\\[1\\]: "\\^a" is listed twice'):
        config('topics = ["^a", "^a"]')


@pytest.mark.parametrize("template", ["{topic}.dlq", "dlq"])
def test_a_topic_that_gets_the_dead_letters_of_a_pattern_cannot_be_read_by_its_name(template: str) -> None:
    name = template.replace("{topic}", "predictions.eu")
    with pytest.raises(ConfigError, match=f'"{name}" is read too: rejects would go round in circles'):
        config(rf'topics = ["^predictions\\..*", "{name}"]', kafka=f'dead_letters = "{template}"')


def test_other_dead_letters_may_be_read_by_their_name() -> None:
    found = config(
        r'topics = ["^predictions\\..*", "orders.dlq"]', kafka='dead_letters = "{topic}.dlq"'
    ).topics()
    assert "orders.dlq" in found
    assert "predictions.eu" in found
    assert "predictions.eu.dlq" not in found


def test_dead_letters_cannot_go_where_they_came_from() -> None:
    with pytest.raises(ConfigError, match="alone is the topic itself"):
        config('topics = ["^a.*"]', kafka='dead_letters = "{topic}"')


@pytest.mark.parametrize(
    ("topics", "labels", "shared"),
    [
        (("a", "b"), ("b", "c"), {"b"}),
        (("^a.*",), ("^a.*",), {"^a.*"}),
        (("^a.*",), ("a.labels", "labels"), {"a.labels"}),
        (("a.predictions", "c"), ("^a.*",), {"a.predictions"}),
        (("^a.*",), ("^b.*",), set()),
        (("^a.*",), ("^.*",), set()),  # only Kafka's list of topics tells
    ],
)
def test_topics_of_predictions_and_labels_alike(
    topics: tuple[str, ...], labels: tuple[str, ...], shared: set[str]
) -> None:
    assert set(Model(topics=topics, labels_topics=labels).shared_topics.entries) == shared


def test_a_name_that_a_pattern_of_another_model_matches_is_pointed_out() -> None:
    found = hints(r'topics = ["^predictions\\..*"]', 'topics = ["predictions.eu"]')
    assert (
        'models.m0.fields.model: topic "predictions.eu" is also read by m1: '
        "every message counts for this model too"
    ) in found


def test_a_topic_of_labels_that_a_pattern_of_topics_matches_is_pointed_out() -> None:
    found = hints(r'topics = ["^loans\\..*"]' '\nlabels_topics = ["loans.labels"]\nfields.label = "label"')
    assert (
        'models.m0.labels_topics: a pattern matches "loans.labels" too: its messages are predictions, '
        "labels, or both"
    ) in found
    asked = "their topics, each that a pattern matches, the same number of partitions"
    assert any(asked in each for each in found)


def test_a_topic_that_is_only_listed_is_not_pointed_out() -> None:
    found = hints('topics = ["a", "b"]\nlabels_topics = ["b"]\nfields.label = "label"')
    assert not any("a pattern matches" in each for each in found)
