"""The service's loop at its limits: it commits early, says so, and neither loses nor repeats a row."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from detectors.profile_size import bounds
from monitor.breaker import Breaker
from monitor.clock import ManualClock
from monitor.engine import Engine
from monitor.errors import StoreError
from monitor.gauges import Gauges
from monitor.housekeeping import Housekeeping
from monitor.metrics import Metrics
from monitor.room import Room
from monitor.service import Loop, Pace
from monitor.source.base import Polled, TopicPartition
from monitor.source.memory import MemoryBroker, MemorySource
from monitor.store.base import Progress, Store
from monitor.web.health import HealthState
from tests.monitor.worlds import NOW, config, log, new_store, plan, reference, rows_of

ONE, OTHER = TopicPartition("predictions", 0), TopicPartition("predictions", 1)
HOURS, ROWS = 40, 400
EMPTY_BYTES = bounds(reference()).empty_bytes
NO_ROOM = "open windows have no room"


class Ticking(ManualClock):
    """A clock that goes on by itself, so that an empty poll ends."""

    def monotonic(self) -> float:
        self.advance(0.01)
        return super().monotonic()


class Polls(MemorySource):
    """Remembers how many messages came by each poll."""

    def __init__(self, broker: MemoryBroker) -> None:
        super().__init__(broker, ["predictions"])
        self.came: list[int] = []

    def poll(self, timeout_s: float, max_records: int) -> Polled:
        polled = super().poll(timeout_s, max_records)
        self.came.append(sum(len(chunk.records) for chunk in polled.chunks))
        return polled


class Process:
    """A loop on topics in memory, with little room."""

    def __init__(self, store: Store, broker: MemoryBroker, room: Room, pace: Pace) -> None:
        self.store, self.registry = store, CollectorRegistry()
        self.source = Polls(broker)
        clock = Ticking(NOW)
        self.engine = Engine(self.source, store, {"loans": plan()}, clock, "earliest", room=room)
        self.loop = Loop(
            self.engine,
            clock,
            pace,
            Breaker(1.0, 100),
            HealthState(clock),
            Gauges(Metrics(self.registry), clock, {}),
            Housekeeping(store, config().database.retention),
        )

    def read_all(self, messages: int = ROWS) -> list[MutableMapping[str, Any]]:
        """Turn until everything is committed, judge it, and give what was logged."""
        with capture_logs() as lines:
            for _ in range(300):
                self.loop.turn(threading.Event())
                if sum(self.store.cursors([ONE, OTHER]).values()) == messages:
                    self.engine.close_windows(everything=True)
                    return lines
        raise AssertionError("never")

    def value(self, name: str, labels: Mapping[str, str] | None = None) -> float:
        return self.registry.get_sample_value(name, dict(labels or {})) or 0.0


def broker_with(values: list[bytes]) -> MemoryBroker:
    broker = MemoryBroker()
    broker.create("predictions", 2)
    for number, value in enumerate(values):
        broker.append((ONE, OTHER)[number % 2], value, timestamp=0)
    return broker


LOG = log(hours=HOURS, per_hour=ROWS // HOURS, shift_from_hour=30.0)


def results(store: Store) -> dict[str, Any]:
    views = ("drift_history", "quality_history", "window_history", "alert_history")
    return {view: rows_of(store, view) for view in views}


@pytest.fixture(scope="module")
def calm() -> dict[str, Any]:
    process = Process(new_store(), broker_with(LOG), Room(), Pace(20, 0.5, 0.0, 10))
    assert not [line for line in process.read_all() if NO_ROOM in line["event"]]
    assert process.value("driftd_windows_without_room_total") == 0
    return results(process.store)


def failing(store: Store, at: frozenset[int]) -> Callable[[Progress], Mapping[str, int]]:
    """Give the store's commit, but for some calls, which do not reach the database."""
    whole, calls = store.commit, iter(range(1, 10_000))

    def commit(progress: Progress) -> Mapping[str, int]:
        if next(calls) in at:
            raise StoreError("the database did not answer")
        return whole(progress)

    return commit


@pytest.mark.parametrize("fail_at", [frozenset(), frozenset({2}), frozenset(range(2, 40, 3))])
def test_an_outage_while_room_is_made_changes_no_result(
    calm: dict[str, Any], monkeypatch: pytest.MonkeyPatch, fail_at: frozenset[int]
) -> None:
    store = new_store()
    process = Process(store, broker_with(LOG), Room(6 * EMPTY_BYTES), Pace(ROWS, 0.5, 1e9, 100))
    monkeypatch.setattr(store, "commit", failing(store, fail_at))
    process.loop._committed_s = float("inf")  # no commit is ever due: all are for room
    with capture_logs():
        for _ in range(20):
            process.loop.turn(threading.Event())
    assert 0 < sum(store.cursors([ONE, OTHER]).values()) < ROWS + 1
    process.loop._committed_s = float("-inf")
    process.read_all()
    assert results(store) == calm
    waited = process.value("driftd_paused_seconds_total", {"cause": "database"})
    assert (waited > 0) == bool(fail_at)


def test_windows_that_fill_at_once_without_room_are_told_once(calm: dict[str, Any]) -> None:
    process = Process(new_store(), broker_with(LOG), Room(3 * EMPTY_BYTES), Pace(20, 0.5, 0.0, 10))
    lines = process.read_all()
    told = [line for line in lines if NO_ROOM in line["event"]]
    assert 1 <= len(told) < process.value("driftd_windows_without_room_total")
    assert 0 < process.value("driftd_open_window_bytes") <= 1.5 * EMPTY_BYTES
    assert results(process.store) == calm


def test_a_batch_of_long_messages_ends_at_its_length() -> None:
    long = [value.replace(b'"id"', b'"note":"' + b"x" * 5_000 + b'","id"') for value in LOG[:100]]
    broker = broker_with(long)
    process = Process(new_store(), broker, Room(), Pace(1_000, 1.0, 1e9, 2, 30_000))
    process.loop.turn(threading.Event())  # the assignment
    process.source.came.clear()
    process.loop.turn(threading.Event())
    assert sum(process.source.came) == 6
    process.loop.turn(threading.Event())
    assert sum(process.source.came) == 12


def test_a_burst_of_nothing_but_poison_is_committed_in_parts_and_kept_whole() -> None:
    store = new_store()
    process = Process(store, broker_with([b"{broken"] * ROWS), Room(rejects=50), Pace(ROWS, 0.5, 1e9, 30))
    process.loop._committed_s = float("-inf")
    most = 0
    whole = store.commit

    def commit(progress: Progress) -> Mapping[str, int]:
        nonlocal most
        most = max(most, len(progress.rejects))
        return whole(progress)

    store.commit = commit  # type: ignore[method-assign]
    process.read_all()
    assert len(store.view("rejects")) == ROWS
    assert (
        process.value("driftd_records_rejected_total", {"topic": "predictions", "reason": "not_json"}) == ROWS
    )
    assert most <= 50 + 50


def test_how_far_judging_is_behind_is_told(calm: dict[str, Any]) -> None:
    process = Process(new_store(), broker_with(LOG), Room(), Pace(50, 0.5, 0.0, 50))
    process.read_all()
    last = max(row["window_end"] for row in calm["window_history"])
    delay_s = process.value("driftd_watermark_delay_seconds", {"model": "loans"})
    assert abs(delay_s - (process.engine.clock.now() - last).total_seconds()) < 3_600


def test_a_stop_while_room_is_made_is_obeyed_and_the_rest_is_read_by_the_next_process(
    calm: dict[str, Any],
) -> None:
    store, broker = new_store(), broker_with(LOG)
    first = Process(store, broker, Room(6 * EMPTY_BYTES), Pace(ROWS, 0.5, 1e9, ROWS))
    stop = threading.Event()
    whole, commits = store.commit, 0

    def commit(progress: Progress) -> Mapping[str, int]:
        nonlocal commits
        if first.engine.is_full:
            commits += 1
            stop.set()
        return whole(progress)

    store.commit = commit  # type: ignore[method-assign]
    first.loop._committed_s = float("inf")
    first.loop.run(stop)
    assert 1 <= commits <= 3
    assert 0 < sum(store.cursors([ONE, OTHER]).values()) < ROWS
    first.source.close()
    Process(store, broker, Room(), Pace(20, 0.5, 0.0, 10)).read_all()
    assert results(store) == calm
