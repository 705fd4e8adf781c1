"""An outage in the middle of a turn of the service's loop: what was read before it is not passed over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping

import pytest
from prometheus_client import CollectorRegistry

from monitor.breaker import Breaker
from monitor.clock import ManualClock
from monitor.engine import Engine
from monitor.errors import SourceError, StoreError
from monitor.gauges import Gauges
from monitor.housekeeping import Housekeeping
from monitor.metrics import Metrics
from monitor.plan import ModelPlan
from monitor.service import Loop, Pace
from monitor.source.base import Polled, TopicPartition
from monitor.source.memory import MemoryBroker, MemorySource
from monitor.store.base import Store
from monitor.web.health import HealthState
from tests.monitor.worlds import NOW, config, log, new_store, plan

ROWS = 240
ONE, OTHER = TopicPartition("predictions", 0), TopicPartition("predictions", 1)


class Ticking(ManualClock):
    """A clock that goes on by itself, so that an empty poll ends."""

    def monotonic(self) -> float:
        self.advance(0.01)
        return super().monotonic()


class Faulty(MemorySource):
    """Raises at the polls and claims that a test names."""

    fail_at: frozenset[int] = frozenset()
    claims_fail: int = 0
    polls: int = 0

    def poll(self, timeout_s: float, max_records: int) -> Polled:
        self.polls += 1
        if self.polls in self.fail_at:
            raise SourceError("the broker did not answer")
        return super().poll(timeout_s, max_records)

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        if self.claims_fail:
            self.claims_fail -= 1
            raise StoreError("the database did not answer")
        super().seek(positions)


@pytest.fixture
def broker() -> MemoryBroker:
    broker = MemoryBroker()
    broker.create("predictions", 2)
    for number, value in enumerate(log(hours=4, per_hour=ROWS // 4)):
        broker.append((ONE, OTHER)[number % 2], value, timestamp=0)
    return broker


def loop_of(store: Store, source: MemorySource, made: ModelPlan | None = None) -> Loop:
    clock = Ticking(NOW)
    return Loop(
        Engine(source, store, {"loans": made or plan()}, clock, "earliest"),
        clock,
        Pace(40, 0.5, 0.0, 10),
        Breaker(0.5, 100),
        HealthState(clock),
        Gauges(Metrics(CollectorRegistry()), clock, {}),
        Housekeeping(store, config().database.retention),
    )


def counted(store: Store) -> int:
    """Give the rows that are in a window, open or judged."""
    judged: int = sum(row["rows"] + row["late"] for row in store.view("window_history"))
    return judged + sum(window.rows for window in store.open_windows([ONE, OTHER]))


def turn(loop: Loop, until: Callable[[], bool]) -> None:
    for _ in range(100):
        if until():
            return
        loop.turn(threading.Event())
    raise AssertionError("never")


def ends(store: Store) -> Iterable[int]:
    return store.cursors([ONE, OTHER]).values()


@pytest.mark.parametrize("fail_at", [{2}, {3}, {4}, {3, 5, 6}])
def test_what_was_polled_before_the_broker_went_away_is_counted(
    broker: MemoryBroker, fail_at: set[int]
) -> None:
    store, source = new_store(), Faulty(broker, ["predictions"])
    source.fail_at = frozenset(fail_at)
    turn(loop_of(store, source), lambda: sum(ends(store)) == ROWS)
    assert counted(store) == ROWS


@pytest.mark.parametrize("claims_fail", [0, 1])
def test_what_came_with_a_new_partition_is_counted_once_also_when_that_cannot_be_claimed(
    broker: MemoryBroker, claims_fail: int
) -> None:
    store, source = new_store(), Faulty(broker, ["predictions"])
    broker.assign(source, [ONE])
    loop = loop_of(store, source)
    turn(loop, lambda: sum(ends(store)) > 0)
    broker.assign(source, [ONE, OTHER])
    source.claims_fail = claims_fail
    turn(loop, lambda: sum(ends(store)) == ROWS)
    assert counted(store) == ROWS
