"""Names and patterns of topics: which of the topics that there are they mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.topics import NO_TOPICS, Topics

PREDICTIONS = r"^predictions\..*"


@pytest.mark.parametrize(
    ("entry", "topic", "is_meant"),
    [
        ("predictions", "predictions", True),
        ("predictions", "predictions.eu", False),
        ("predictions.eu", "predictions-eu", False),  # a name is no expression
        (PREDICTIONS, "predictions.eu", True),
        (PREDICTIONS, "predictions", False),
        (PREDICTIONS, "old.predictions.eu", False),
        (r"^predictions\.(eu|us)", "predictions.eu-west", False),  # for whole names
        (r"^predictions\.(eu|us)$", "predictions.us", True),
        ("^eu|us", "us", True),
        ("^eu|us", "us-east", False),
        ("^.*", "__consumer_offsets", False),
        ("^__mine", "__mine", False),
        ("__mine", "__mine", True),
    ],
)
def test_an_entry_means(entry: str, topic: str, is_meant: bool) -> None:
    assert (topic in Topics((entry,))) is is_meant


@pytest.mark.parametrize("template", ["{topic}.dlq", "dlq.{topic}", "dead", "a.{topic}.b"])
def test_a_pattern_never_means_a_topic_of_dead_letters_but_a_name_does(template: str) -> None:
    dead = template.replace("{topic}", "predictions.eu")
    topics = Topics(("^.*", "^.*dlq$"), template)
    assert dead not in topics
    assert "predictions.eu" in topics
    assert dead in Topics(("^.*", dead), template)
    assert dead in Topics(("^.*",))


def test_topics_are_put_together_and_found_among_those_that_there_are() -> None:
    topics = Topics(("b", PREDICTIONS)) | Topics((PREDICTIONS, "a"))
    assert topics.entries == ("b", PREDICTIONS, "a")
    assert (topics.names, topics.patterns) == (("b", "a"), (PREDICTIONS,))
    assert topics.among(["predictions.eu", "c", "b", "predictions"]) == ("b", "predictions.eu")
    assert not NO_TOPICS
    assert topics | NO_TOPICS == NO_TOPICS | topics == topics


NAMES = st.text("ab._-", min_size=1, max_size=6)


@given(st.lists(NAMES, max_size=3), NAMES, NAMES, st.sampled_from(["", "{topic}.b", "b"]))
def test_the_one_expression_for_clients_means_the_same(
    names: list[str], prefix: str, topic: str, template: str
) -> None:
    pattern = "^" + prefix.replace(".", r"\.") + "(a|b)*"
    topics = Topics((*names, pattern, "^a.|b."), template)
    assert (topic in topics) == (topics.expression.match(topic) is not None)
