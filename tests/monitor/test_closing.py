from __future__ import annotations

from typing import Any

import pytest

from detectors.result import Verdict
from monitor.clock import ManualClock
from monitor.engine import Engine
from monitor.source.base import TopicPartition
from monitor.store.base import Store
from monitor.telling import Speaking
from tests.monitor.worlds import (
    HOUR_MS,
    NOW,
    START_MS,
    ListSource,
    chunk,
    log,
    new_engine,
    new_store,
    payload,
    plan,
    rows_of,
)

P0 = TopicPartition("predictions", 0)
FRESHNESS = 'freshness = "10m"\n'


def feed(engine: Engine, values: list[bytes], first: int = 0) -> None:
    engine.take([chunk(P0, values, first)])
    engine.commit()
    engine.close_windows()


def silent_for(engine: Engine, seconds: float, read_to_end: int) -> None:
    assert isinstance(engine.clock, ManualClock)
    assert isinstance(engine.source, ListSource)
    engine.source.ends = {P0: read_to_end}
    engine.clock.advance(seconds)
    engine.commit()
    engine.close_windows()


def freshness_alerts(store: Store) -> list[dict[str, Any]]:
    return [row for row in store.view("alert_history") if row["check_name"] == "freshness"]


def test_silence_alarms_when_freshness_is_asked_for_and_ends_when_rows_come() -> None:
    store = new_store()
    engine = new_engine(store, [P0], {"loans": plan(FRESHNESS)})
    rows = log(hours=2)
    feed(engine, rows[:60])
    silent_for(engine, 300, 60)
    assert freshness_alerts(store) == []
    silent_for(engine, 301, 60)
    assert [(row["status"], row["severity"]) for row in freshness_alerts(store)] == [("firing", "critical")]
    silent_for(engine, 600, 60)
    assert freshness_alerts(store)[0]["bad_windows"] == 1
    for i in range(60, 63):
        feed(engine, [rows[i]], i)
    assert [row["status"] for row in freshness_alerts(store)] == ["resolved"]


def test_a_partition_that_is_behind_is_not_silent() -> None:
    store = new_store()
    engine = new_engine(store, [P0], {"loans": plan(FRESHNESS)})
    feed(engine, log(hours=1)[:30])
    silent_for(engine, 3_600, 31)
    assert freshness_alerts(store) == []


def test_a_window_during_which_the_reference_changed_is_not_judged() -> None:
    store = new_store()
    engine = new_engine(store, [P0])
    rows = log(hours=3)
    feed(engine, rows[:30])
    engine.replace_plans({"loans": plan(seed=2)}, Speaking())
    feed(engine, rows[30:], 30)
    engine.close_windows(everything=True)
    history = store.view("drift_history", newest_first=False)
    assert min(row["window_start"] for row in history if row["multiple"] == 1).hour == 1
    said = store.view("quality_history", where={"verdict": "inconclusive", "check_name": "schema_drift"})
    assert [row["window_start"].hour for row in said] == [0]
    assert [row["rows"] for row in store.view("window_history", newest_first=False)] == [60, 60, 60]


def test_a_test_that_crashes_is_an_error_and_hinders_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    import detectors.kolmogorov as ks  # noqa: PLC0415  # to break it

    def broken(*_: object) -> float:
        raise ZeroDivisionError("broken on purpose")

    monkeypatch.setattr(ks, "p_value", broken)
    store = new_store()
    engine = new_engine(store, [P0])
    feed(engine, log(hours=1))
    engine.close_windows(everything=True)
    verdicts = {(row["feature"], row["detector"]): row["verdict"] for row in store.view("drift_history")}
    assert verdicts["age", "ks"] == Verdict.ERROR
    assert verdicts["country", "chi2"] == Verdict.OK
    assert verdicts["age", "psi"] == Verdict.OK
    notes = [row["note"] for row in store.view("drift_history", where={"verdict": "error"})]
    assert "ZeroDivisionError: broken on purpose" in notes


def test_too_few_rows_are_inconclusive_and_never_ok() -> None:
    store = new_store()
    engine = new_engine(store, [P0])
    feed(engine, log(hours=1)[:5])
    engine.close_windows(everything=True)
    history = store.view("drift_history")
    assert {row["verdict"] for row in history} == {Verdict.INCONCLUSIVE}
    assert all("5 rows" in row["note"] for row in history)


def test_a_longer_window_finds_what_one_window_cannot() -> None:
    store = new_store()
    shares = {0: 0.5, 1: 0.5, 2: 0.68, 3: 0.68}
    rows = []
    for hour, share in shares.items():
        for i in range(60):
            country = "DE" if i < share * 60 else "FR" if i % 5 < 3 else "PT"
            features = {"age": 40.0 + (i % 20) - 10, "country": country, "owner": i % 10 < 3}
            rows.append(payload(f"{hour}-{i}", START_MS + hour * HOUR_MS + i * 60_000, features))
    engine = new_engine(store, [P0])
    feed(engine, rows)
    engine.close_windows(everything=True)
    p = {
        (row["window_start"].hour, row["multiple"]): row["p_value"]
        for row in store.view("drift_history", where={"feature": "country", "detector": "chi2"})
    }
    assert p[2, 2] < min(p[2, 1], p[3, 1])
    assert (0, 2) in p
    assert (0, 4) not in p  # windows_up_to is two hours


def test_windows_that_never_came_are_reported_with_the_next_one() -> None:
    store = new_store()
    engine = new_engine(store, [P0], {"loans": plan("[models.loans.row_count]\nmin = 1\n")})
    rows = log(hours=8)
    feed(engine, rows[:60] + rows[300:])
    engine.close_windows(everything=True)
    found = [
        row
        for row in store.view("quality_history", where={"check_name": "row_count"}, newest_first=False)
        if row["total_rows"] == 0
    ]
    assert [(row["window_start"].hour, row["window_end"].hour, row["verdict"]) for row in found] == [
        (1, 5, "fail")
    ]
    assert rows_of(store, "alert_history")[0]["shift"] == "quality"


def test_a_shift_below_min_effect_is_no_drift_however_sure() -> None:
    store = new_store()
    engine = new_engine(store, [P0], {"loans": plan("min_effect = 0.95\n")})
    feed(engine, log(hours=2, shift_from_hour=0.0))
    engine.close_windows(everything=True)
    ages = store.view("drift_history", where={"feature": "age", "detector": "ks"})
    assert max(row["adjusted_p"] for row in ages) < 1e-6
    assert {row["verdict"] for row in ages} == {Verdict.OK}


class Slow(ManualClock):
    """Time passes with every look at it, as much as is told."""

    step_s = 0.0

    def monotonic(self) -> float:
        self.advance(self.step_s)
        return super().monotonic()


def test_fewer_windows_are_judged_in_one_transaction_while_that_takes_long() -> None:
    clock = Slow(NOW)
    engine = new_engine(new_store(), [P0], clock=clock)
    engine.take([chunk(P0, log(hours=60, per_hour=20))])
    engine.commit()
    clock.step_s = 9.0
    slow = [
        report.windows for report in engine.close_windows(is_stopping=iter([False] * 5 + [True]).__next__)
    ]
    clock.step_s = 0.1
    quick = [report.windows for report in engine.close_windows(everything=True)]
    assert slow == [4, 2, 1, 1, 1]
    assert quick[:5] == [1, 2, 4, 8, 16]
