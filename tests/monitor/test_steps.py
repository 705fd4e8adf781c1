"""The wall clock is set while the service runs: what is measured in it goes on as if it had not been."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from monitor.clock import ManualClock
from monitor.outbox import LEASE_S, Outbox
from monitor.source.base import TopicPartition
from monitor.steps import Steps
from tests.monitor.store.rows import AT, notification
from tests.monitor.test_outbox import FAILED, Services
from tests.monitor.worlds import NOW, ListSource, chunk, log, new_engine, new_store

HOUR = timedelta(hours=1)
P0 = TopicPartition("predictions", 0)


def set_clock(clock: ManualClock, by: timedelta) -> None:
    clock._now += by


@pytest.mark.parametrize("by", [HOUR, -HOUR, timedelta(seconds=3)])
def test_a_step_is_seen_once(by: timedelta) -> None:
    clock = ManualClock(NOW)
    steps = Steps(clock)
    clock.advance(5)
    assert steps.look() == (NOW + timedelta(seconds=5), timedelta(0))
    set_clock(clock, by)
    clock.advance(1)
    now, seen = steps.look()
    assert now == NOW + timedelta(seconds=6) + by
    assert seen.total_seconds() == pytest.approx(by.total_seconds(), abs=1e-3)
    assert steps.look()[1] == timedelta(0)


@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_a_partition_is_idle_for_as_long_as_it_was_silent(by: timedelta) -> None:
    engine = new_engine(new_store(), [P0])
    assert isinstance(engine.clock, ManualClock)
    assert isinstance(engine.source, ListSource)
    rows = log(hours=2)
    engine.take([chunk(P0, rows)])
    engine.source.ends = {P0: len(rows)}
    engine.commit()
    assert [report.windows for report in engine.close_windows()] == [1]  # by its rows, the first of two
    set_clock(engine.clock, by)
    engine.commit()
    assert not any(report.windows for report in engine.close_windows())
    engine.clock.advance(600)
    engine.commit()
    assert [report.windows for report in engine.close_windows()] == [1]


def test_a_retry_does_not_wait_for_a_clock_that_was_set_back() -> None:
    store, services = new_store(), Services(ManualClock(AT))
    outbox = Outbox("slack", store, services, services.clock, Random(1), None)
    services.answers["slack"] = FAILED
    store.enqueue(notification())
    outbox.send_next()
    services.answers.clear()
    set_clock(services.clock, -HOUR)
    outbox.send_next()
    assert len(services.attempts) == 2


def test_a_lease_of_a_dead_process_does_not_outlive_a_clock_that_was_set_back() -> None:
    store, services = new_store(), Services(ManualClock(AT))
    outbox = Outbox("slack", store, services, services.clock, Random(1), None)
    store.enqueue(notification())
    store.claim(("slack",), AT, LEASE_S, 1)
    set_clock(services.clock, timedelta(minutes=-2))  # as the clock of another machine may be
    outbox.send_next()
    assert services.attempts == []
    set_clock(services.clock, -HOUR)
    outbox.send_next()
    assert len(services.attempts) == 1
