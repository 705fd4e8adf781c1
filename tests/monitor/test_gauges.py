"""What is counted for Prometheus: every committed message once, from the first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from prometheus_client import CollectorRegistry

from monitor.clock import ManualClock
from monitor.closing import ClosingReport
from monitor.engine import Engine
from monitor.gauges import Gauges
from monitor.metrics import Metrics
from monitor.source.base import Lost, Polled, TopicPartition
from monitor.store.base import Store
from tests.monitor.worlds import NOW, ListSource, chunk, log, new_engine, new_store

P0, P1 = TopicPartition("predictions", 0), TopicPartition("predictions", 1)
LOG = log(hours=1)


class FromTheMiddle(ListSource):
    """A log that was full when reading began."""

    def first_offsets(self, partitions: Iterable[TopicPartition], start: str) -> Mapping[TopicPartition, int]:
        del start
        return dict.fromkeys(partitions, 40)


class Process:
    """An engine with its metrics."""

    def __init__(self, store: Store, *partitions: TopicPartition) -> None:
        self.engine: Engine = new_engine(store, partitions)
        assert isinstance(self.engine.source, ListSource)
        self.source = self.engine.source
        self.metrics = Metrics(CollectorRegistry())
        self.gauges = Gauges(self.metrics, ManualClock(NOW), self.source.sought)

    def read(self, partition: TopicPartition, begin: int, end: int) -> None:
        self.engine.take([chunk(partition, LOG[begin:end], begin)])

    def commit(self) -> None:
        self.gauges.before_commit(self.engine.state)
        self.engine.commit()
        self.gauges.after_commit(self.engine.state)

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)

    @property
    def consumed(self) -> float | None:
        return self.value("driftd_records_consumed_total", topic="predictions")


def test_the_first_commit_of_a_partition_counts() -> None:
    one = Process(new_store(), P0)
    one.read(P0, 0, 20)
    one.commit()
    assert one.consumed == 20
    processed = one.value("driftd_last_record_processed_timestamp_seconds", topic="predictions")
    assert processed == NOW.timestamp()
    one.read(P0, 20, 25)
    one.commit()
    one.commit()
    assert one.consumed == 25


def test_only_what_was_read_counts_when_reading_begins_late_in_a_partition() -> None:
    one = Process(new_store())
    one.engine.source = source = FromTheMiddle()
    one.gauges.sought = source.sought
    one.engine.assignment(Polled(assigned=frozenset({P0})))
    one.engine.claim()
    one.read(P0, 40, 45)
    one.commit()
    assert one.consumed == 5


def test_a_partition_that_moves_is_counted_on_by_its_new_owner() -> None:
    store = new_store()
    first = Process(store, P0, P1)
    first.read(P0, 0, 10)
    first.read(P1, 0, 10)
    first.commit()
    first.read(P1, 10, 15)  # never committed: read again by the next owner
    first.engine.assignment(Polled(revoked=frozenset({P1})))
    first.commit()
    second = Process(store, P1)
    second.read(P1, 10, 30)
    second.commit()
    assert (first.consumed, second.consumed) == (20, 20)


def test_a_partition_that_comes_back_before_its_first_commit_counts_once() -> None:
    one = Process(new_store(), P0)
    one.read(P0, 0, 10)
    one.engine.assignment(Polled(revoked=frozenset({P0}), assigned=frozenset({P0})))
    one.engine.claim()
    one.read(P0, 0, 12)
    one.commit()
    assert one.consumed == 12


def test_messages_that_the_broker_deleted_do_not_count() -> None:
    one = Process(new_store(), P0)
    one.read(P0, 0, 10)
    one.commit()
    one.read(P0, 10, 12)
    one.engine.assignment(Polled(lost=(Lost(P0, 12, 50),)))
    one.read(P0, 50, 53)
    one.commit()
    assert one.consumed == 15


def test_the_lag_of_a_partition_that_went_away_is_told_no_more() -> None:
    one = Process(new_store(), P0, P1)
    one.source.ends.update({P0: 30, P1: 30})
    one.read(P0, 0, 10)
    one.commit()
    where = {"topic": "predictions", "partition": "1"}
    assert one.value("driftd_consumer_lag_records", **where) == 30
    assert one.value("driftd_open_windows", model="loans") == 1
    one.engine.assignment(Polled(revoked=frozenset({P0, P1})))
    one.commit()
    assert one.value("driftd_consumer_lag_records", **where) is None
    assert one.value("driftd_open_windows", model="loans") == 0


def test_labels_count_when_they_are_committed_and_once() -> None:
    one = Process(new_store(), P0)
    one.engine.state = replace(one.engine.state, labels=7)
    one.gauges.before_commit(one.engine.state)
    assert one.value("driftd_labels_read_total") == 0
    one.commit()
    one.commit()
    assert one.value("driftd_labels_read_total") == 7


def test_the_join_is_told_from_totals() -> None:
    one = Process(new_store())
    assert one.value("driftd_join_restoring_records") == 0
    assert one.gauges.joined(500, 0, {}, {}) == 0
    assert one.value("driftd_join_restoring_records") == 500
    assert one.gauges.joined(20, 12, {"loans": 40}, {"loans": 3}) == 12
    assert one.gauges.joined(0, 12, {"loans": 40}, {"loans": 3, "fraud": 1}) == 0
    assert one.gauges.joined(0, 15, {"loans": 44, "fraud": 6}, {"loans": 8, "fraud": 1}) == 3
    assert one.value("driftd_join_restoring_records") == 0
    assert one.value("driftd_join_evicted_total") == 15
    assert one.value("driftd_labels_joined_total", model="loans") == 44
    assert one.value("driftd_labels_joined_total", model="fraud") == 6
    shed = {
        model: one.value("driftd_challenger_shed_rows_total", model=model) for model in ("loans", "fraud")
    }
    assert shed == {"loans": 8, "fraud": 1}


def test_a_total_that_begins_anew_counts_on() -> None:
    one = Process(new_store())
    one.gauges.joined(0, 10, {}, {"loans": 10})
    assert one.gauges.joined(0, 0, {}, {"loans": 2}) == 0  # a challenger that was replaced
    assert one.gauges.joined(0, 4, {}, {"loans": 5}) == 4
    assert one.value("driftd_join_evicted_total") == 14
    assert one.value("driftd_challenger_shed_rows_total", model="loans") == 15


def test_published_windows_count_beside_those_that_are_judged() -> None:
    one = Process(new_store())
    one.gauges.closed(ClosingReport("loans", windows=2, published=3, revised=9))
    one.gauges.closed(ClosingReport("loans", published=1))
    assert one.value("driftd_windows_closed_total", model="loans") == 2
    assert one.value("driftd_windows_published_total", model="loans") == 4
