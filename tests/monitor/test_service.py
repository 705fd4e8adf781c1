"""What the service's loop says in its log of the join and of labels."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from monitor.breaker import Breaker
from monitor.clock import ManualClock
from monitor.gauges import Gauges
from monitor.housekeeping import Housekeeping
from monitor.metrics import Metrics
from monitor.service import Loop, Pace
from monitor.source.base import TopicPartition
from monitor.source.memory import MemoryBroker
from monitor.store.base import Store
from monitor.web.health import HealthState
from tests.monitor.labelled_worlds import OPEN, Reader, broker_with, labelled_plan, rows_of_hours
from tests.monitor.worlds import HOUR_MS, NOW, config, new_store

Lines = list[MutableMapping[str, Any]]
AGAIN = "reading messages again that the join's table lacks"
COMPLETE = "the join's table is complete"
FORGOTTEN = "predictions were forgotten before their labels came: raise limits.join_bytes"


class Ticking(ManualClock):
    """A clock that goes on by itself, so that an empty poll ends."""

    def monotonic(self) -> float:
        self.advance(0.01)
        return super().monotonic()


class Process:
    """A reader that is turned by the service's loop."""

    def __init__(self, store: Store, broker: MemoryBroker, folder: Path) -> None:
        self.reader = Reader(store, broker, folder, labelled_plan())
        self.registry = CollectorRegistry()
        clock = Ticking(NOW)
        sought: dict[TopicPartition, int] = {}
        self.loop = Loop(
            self.reader.engine,
            clock,
            Pace(200, 0.05, 0.0, 100),
            Breaker(0.5, 100),
            HealthState(clock),
            Gauges(Metrics(self.registry), clock, sought),
            Housekeeping(store, config().database.retention),
        )

    def turn_until(self, done: Callable[[], bool]) -> Lines:
        """Turn until it is so, and give what was logged."""
        with capture_logs() as lines:
            for _ in range(200):
                self.loop.turn(threading.Event())
                if done():
                    return lines
        raise AssertionError("never")

    def has_read(self) -> bool:
        parts = self.reader.engine.state.partitions
        ends = {tp: log.end for tp, log in self.reader._broker.logs.items()}
        return not self.reader.engine.restoring and {tp: part.next for tp, part in parts.items()} == ends

    def value(self, name: str) -> float | None:
        return self.registry.get_sample_value(name)


@pytest.fixture(autouse=True)
def _closed_readers() -> Iterator[None]:
    yield
    for reader in tuple(OPEN):
        reader.close()


@pytest.fixture
def broker() -> MemoryBroker:
    return broker_with(rows_of_hours(6, 60, 3, lambda _: 0.1), lambda _: HOUR_MS)


def events(lines: Lines, *wanted: str) -> list[str]:
    return [line["event"] for line in lines if line["event"] in wanted]


def test_a_lost_table_is_told_once_with_what_is_read_again(broker: MemoryBroker, tmp_path: Path) -> None:
    store = new_store()
    first = Process(store, broker, tmp_path / "first")
    lines = first.turn_until(first.has_read)
    assert events(lines, AGAIN, COMPLETE) == []
    first.reader.close()
    second = Process(store, broker, tmp_path / "second")
    lines = second.turn_until(lambda: second.reader.engine.restoring > 0)
    lines += second.turn_until(lambda: second.value("driftd_join_restoring_records") != 0)
    assert (second.value("driftd_join_restoring_records") or 0) > 0
    lines += second.turn_until(lambda: not second.reader.engine.restoring)
    lines += second.turn_until(lambda: True)
    assert events(lines, AGAIN, COMPLETE) == [AGAIN, COMPLETE]
    (line,) = [line for line in lines if line["event"] == AGAIN]
    assert 0 < line["messages"] <= 2 * 360
    assert second.value("driftd_join_restoring_records") == 0


def test_partitions_that_go_while_they_are_restored_are_not_called_complete(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    store = new_store()
    first = Process(store, broker, tmp_path / "first")
    first.turn_until(first.has_read)
    first.reader.close()
    second = Process(store, broker, tmp_path / "second")
    lines = second.turn_until(lambda: second.reader.engine.restoring > 0)
    broker.assign(second.reader.source, ())
    for _ in range(4):
        lines += second.turn_until(lambda: True)
    assert second.reader.engine.restoring == 0
    assert events(lines, COMPLETE) == []


def test_predictions_that_were_forgotten_are_a_warning_each_time(
    broker: MemoryBroker, tmp_path: Path
) -> None:
    process = Process(new_store(), broker, tmp_path)
    process.turn_until(process.has_read)
    said: list[int] = []
    for total in (5, 5, 12):
        process.reader.keeper.joiner.evicted = total
        lines = process.turn_until(lambda: True)
        said += [line["predictions"] for line in lines if line["event"] == FORGOTTEN]
    assert said == [5, 7]
    assert process.value("driftd_join_evicted_total") == 12


def test_published_windows_are_in_the_line_about_judged_ones(broker: MemoryBroker, tmp_path: Path) -> None:
    process = Process(new_store(), broker, tmp_path)
    lines = process.turn_until(process.has_read)
    told = [line for line in lines if line["event"] == "windows judged"]
    published = process.registry.get_sample_value("driftd_windows_published_total", {"model": "loans"})
    assert sum(line["published"] for line in told) == published
    assert (published or 0) >= 3
    assert all("revised" in line for line in told)
    assert process.value("driftd_labels_read_total") == 360
    process.turn_until(lambda: True)  # the join is told of at a turn's beginning
    assert process.registry.get_sample_value("driftd_labels_joined_total", {"model": "loans"}) == 360
