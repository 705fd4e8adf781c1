"""Old windows added up to days: what can be asked of whole days is answered exactly as before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.reference import Reference
from monitor.backfill import backfill, counted
from monitor.clock import ManualClock
from monitor.comparing import Stretch, compare, stretch
from monitor.config import Config
from monitor.config.durations import Age
from monitor.errors import DataError
from monitor.judge import Rules
from monitor.rollup import RollUp
from monitor.store.base import Store
from monitor.store.sql import open_store
from monitor.store.types import to_datetime
from tests.monitor.worlds import HOUR_MS, START_MS, config, reference

DAYS, PER_HOUR = 4, 12
HOURS = 24 * DAYS + 7
LATER = to_datetime(START_MS) + timedelta(days=60)


@pytest.fixture(scope="module")
def settled() -> Config:
    return config()


def filled(settled: Config, judged_at: datetime = LATER - timedelta(days=50)) -> Store:
    """Give a store with four days and seven hours of windows."""
    rng = np.random.default_rng(5)
    n = HOURS * PER_HOUR
    rows = pd.DataFrame(
        {
            "timestamp": START_MS + np.arange(n) * (HOUR_MS // PER_HOUR),
            "age": rng.normal(40.0, 10.0, n).round(2) + np.arange(n) / n,
            "country": rng.choice(np.array(["DE", "FR", "XX", None], object), n),
            "owner": rng.random(n) < 0.3,
            "prediction": rng.integers(0, 2, n),
            "score": rng.random(n).round(4),
        }
    )
    made = open_store("sqlite://")
    made.upgrade_schema()
    fields = settled.models["loans"].fields.resolved("loans")
    windows = counted(rows, fields, reference(), HOUR_MS)
    backfill(settled, "loans", reference(), windows, made, ManualClock(judged_at), "rows")
    return made


@pytest.fixture(scope="module")
def hourly(settled: Config) -> Iterator[Store]:
    store = filled(settled)
    yield store
    store.close_connections()


@pytest.fixture(scope="module")
def daily(settled: Config) -> Iterator[Store]:
    store = filled(settled)
    done = RollUp(store, Age.parse("30d"), find)
    assert [done.step(LATER) for _ in range(DAYS + 1)] == [True] * DAYS + [False]
    yield store
    store.close_connections()


def find(reference_id: str) -> Reference | None:
    return reference() if reference_id == reference().id else None


def hour(number: int) -> int:
    return START_MS + number * HOUR_MS


def asked(store: Store, begin: int, end: int) -> Stretch:
    return stretch(store, "loans", hour(begin), hour(end), find)


ENDS = st.sampled_from([24 * day for day in range(DAYS + 1)] + list(range(24 * DAYS + 1, HOURS + 1)))


@given(cuts=st.lists(ENDS, min_size=4, max_size=4, unique=True).map(sorted))
@settings(max_examples=30, deadline=None)
def test_stretches_of_whole_days_are_compared_exactly_as_before(
    hourly: Store, daily: Store, settled: Config, cuts: list[int]
) -> None:
    a, b, c, d = cuts
    rules = Rules(0.01, 0.02, 20, settled.models["loans"].detectors)
    found = [
        compare("loans", "", reference(), asked(store, c, d), asked(store, a, b), rules)
        for store in (hourly, daily)
    ]
    assert found[0].findings == found[1].findings
    sides = [(one.start_ms, one.end_ms, one.windows, one.profile.rows)
             for each in found for one in (each.current, each.against) if one is not None]  # fmt: skip
    assert sides[:2] == sides[2:]


@pytest.mark.parametrize(("begin", "end"), [(1, 48), (0, 23), (30, 40), (71, 99), (95, 97)])
def test_a_stretch_that_cuts_a_day_is_refused_with_the_days_times(daily: Store, begin: int, end: int) -> None:
    with pytest.raises(
        DataError, match=r"the windows from 2026-01-0\d 00:00 UTC to 2026-01-0\d 00:00 UTC were"
    ):
        asked(daily, begin, end)


def test_counts_become_one_row_a_day_and_results_stay(hourly: Store, daily: Store) -> None:
    ages = {name: store.view("count_history", where={"feature": "age"}, newest_first=False)
            for name, store in (("hourly", hourly), ("daily", daily))}  # fmt: skip
    assert [row["windows"] for row in ages["hourly"]] == [1] * HOURS
    assert [row["windows"] for row in ages["daily"]] == [24] * DAYS + [1] * 7
    assert [row["window_end"] for row in ages["daily"]][:2] == [to_datetime(hour(24)), to_datetime(hour(48))]
    assert daily.view("window_history") == hourly.view("window_history")
    assert daily.view("drift_history") == hourly.view("drift_history")


def test_nothing_is_added_up_unless_asked_or_before_its_time(settled: Config) -> None:
    store = filled(settled)
    assert not RollUp(store, Age.parse("forever"), find).step(LATER)
    assert not RollUp(store, Age.parse("60d"), find).step(LATER)
    assert RollUp(store, Age.parse("49d"), find).step(LATER)
    assert len(store.view("count_history", where={"feature": "age"})) == HOURS - 23
    store.close_connections()


def test_old_windows_that_were_judged_lately_wait(settled: Config) -> None:
    store = filled(settled, judged_at=LATER - timedelta(days=5))
    assert not RollUp(store, Age.parse("30d"), find).step(LATER)
    assert RollUp(store, Age.parse("30d"), find).step(LATER + timedelta(days=26))
    store.close_connections()


def test_a_day_whose_reference_is_gone_stays_as_it_is(settled: Config) -> None:
    store = filled(settled)
    done = RollUp(store, Age.parse("30d"), lambda _: None)
    while done.step(LATER):
        pass
    assert len(store.view("count_history", where={"feature": "age"})) == HOURS
    store.close_connections()


def test_days_go_when_counts_expire(settled: Config) -> None:
    store = filled(settled)
    done = RollUp(store, Age.parse("30d"), find)
    while done.step(LATER):
        pass
    while store.delete_older(None, LATER + timedelta(days=900), 50):
        pass
    assert store.view("count_history") == []
    store.close_connections()


def test_a_process_that_comes_second_changes_nothing(settled: Config) -> None:
    store = filled(settled)
    windows = store.closed_windows("loans", hour(0), hour(24), 99)
    assert RollUp(store, Age.parse("30d"), find).step(LATER)
    before = store.view("count_history")
    day = store.day_of("loans", hour(3), reference().id)
    assert day is not None
    assert (day.start_ms, day.last_start_ms, day.windows) == (hour(0), hour(23), 24)
    starts = tuple(window.start_ms for window in windows)
    assert not store.roll_up(day, starts, sum(len(window.counts) for window in windows))
    assert store.view("count_history") == before
    store.close_connections()
