from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from structlog.testing import capture_logs

from monitor.clock import ManualClock
from monitor.engine import Engine
from monitor.plan import ModelPlan
from monitor.source.base import Polled, TopicPartition
from monitor.together import parted, tell_sharing
from tests.monitor.labelled_worlds import labelled_plan
from tests.monitor.worlds import NOW, ListSource, new_store, plan


def of(predictions: str, labels: str) -> list[TopicPartition]:
    """Give partitions by their numbers."""
    return [
        TopicPartition(topic, int(number))
        for topic, numbers in (("predictions", predictions), ("labels", labels))
        for number in numbers
    ]


@pytest.mark.parametrize(
    ("held", "every", "expected"),
    [
        (of("012", "012"), of("012", "012"), ()),
        (of("01", "01"), of("012", "012"), ()),
        (of("012", "01"), of("012", "01"), ()),  # all in one process
        (of("", ""), of("012", "01"), ()),
        (of("01", "0"), of("012", "01"), ("loans",)),
        (of("2", "1"), of("012", "01"), ("loans",)),
        (of("01", "12"), of("012", "012"), ("loans",)),
        (of("0", ""), of("0", "0"), ("loans",)),
    ],
)
def test_labels_and_predictions_of_one_number_belong_to_one_process(
    held: list[TopicPartition], every: list[TopicPartition], expected: tuple[str, ...]
) -> None:
    assert parted([labelled_plan()], held, every) == expected


def test_models_without_labels_may_be_shared_out_in_any_way() -> None:
    assert parted([plan()], of("0", ""), of("01", "01")) == ()


class Source(ListSource):
    """One of several members of a group."""

    def partitions(self) -> frozenset[TopicPartition]:
        return frozenset(of("012", "01"))


def test_the_log_names_the_model_whose_labels_are_read_elsewhere() -> None:
    source = Source()
    engine = Engine(source, new_store(), {"loans": labelled_plan()}, ManualClock(NOW), "earliest")
    with capture_logs() as lines:
        tell_sharing(engine)
        for held in (of("01", "01"), of("01", "0")):
            engine.assignment(Polled(revoked=frozenset(engine.state.partitions)))
            engine.assignment(Polled(revoked=frozenset(engine._unclaimed), assigned=frozenset(held)))
            engine.claim()
            tell_sharing(engine)
    told = [line for line in lines if "different processes" in line["event"]]
    assert [line["model"] for line in told] == ["loans"]


def test_the_log_names_what_only_patterns_bring_together() -> None:
    def by(name: str, topics: str, labels: str) -> ModelPlan:
        made = labelled_plan()
        assert made.labels is not None
        settings = msgspec.structs.replace(made.settings, topics=(topics,), labels_topics=(labels,))
        read = replace(made.labels, topics=settings.label_topics)
        return replace(made, name=name, settings=settings, labels=read)

    plans = {each.name: each for each in (by("loans", "^p.*", "^.*eu"), by("other", "^.*eu", "labels"))}
    source = ListSource()
    store = new_store()
    store.register_models(plans, NOW)
    engine = Engine(source, store, plans, ManualClock(NOW), "earliest")
    held = frozenset({TopicPartition("p.eu", 0), TopicPartition("p.us", 0), TopicPartition("labels", 0)})
    engine.assignment(Polled(assigned=held))
    engine.claim()
    with capture_logs() as lines:
        tell_sharing(engine)
    told = [(line["event"][:30], line["topic"], line.get("models") or line["model"]) for line in lines]
    assert told == [
        ("patterns of several models mat", "p.eu", ["loans", "other"]),
        ("a pattern of topics and one of", "p.eu", "loans"),
    ]
