"""Sequential detectors on the score's mean and on null rates: without labels, window by window."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from alerts.evidence_kinds import Kind, kind_of
from monitor.cli.findings import alert_of, drift_words
from monitor.compile import model_plan
from monitor.errors import ConfigError
from monitor.performance.signals import window_signals
from monitor.source.base import Polled, TopicPartition
from monitor.store.base import Store
from monitor.telling import Speaking
from monitor.windows import Span
from tests.monitor.worlds import (
    HOUR_MS,
    START_MS,
    chunk,
    config,
    log,
    new_engine,
    new_store,
    plan,
    reference,
    rows_of,
)  # fmt: skip

PARTS = (TopicPartition("predictions", 0), TopicPartition("predictions", 1))
EXTRA = """
[models.loans.concept]
signals = ["score", "nulls"]
nulls_of = ["age", "country"]
"""
ALONE = """
[models.loans.detectors]
sequential = []
"""
HOURS, PER_HOUR = 24, 120


def messages(from_hour: float, *, nulls: float = 0.0, score: float = 0.0) -> list[bytes]:
    """A log in which from some hour on ages are missing more often and scores are higher."""
    rng = random.Random(3)
    rows = []
    for i, row in enumerate(log(HOURS, PER_HOUR)):
        value = msgspec.json.decode(row)
        moved = i >= from_hour * PER_HOUR
        if rng.random() < 0.02 + (nulls if moved else 0.0):
            value["features"]["age"] = None
        if moved:
            value["score"] += score * (1 - value["score"])
        rows.append(msgspec.json.encode(value))
    return rows


def read(store: Store, rows: list[bytes], extra: str = EXTRA, seed: int = 0, crashes: float = 0.0) -> None:
    """Read the log in two partitions, in batches of any size, by an engine that may lose its memory."""
    rng = random.Random(seed)
    logs = {tp: rows[number::2] for number, tp in enumerate(PARTS)}
    done = dict.fromkeys(PARTS, 0)
    engine = new_engine(store, PARTS, {"loans": plan(extra + ALONE)})
    while any(done[tp] < len(logs[tp]) for tp in PARTS):
        for tp in PARTS:
            batch = logs[tp][done[tp] : done[tp] + rng.randint(1, 150)]
            engine.take([chunk(tp, batch, done[tp])] if batch else [])
            done[tp] += len(batch)
        if rng.random() < crashes:
            engine = new_engine(store, PARTS, {"loans": plan(extra + ALONE)})
            done = {tp: engine.state.partitions[tp].next for tp in PARTS}
            continue
        engine.commit()
        if rng.random() < 0.5:
            engine.close_windows()
    engine.close_windows(everything=True)


def found(store: Store, feature: str, verdict: str = "drift") -> list[dict[str, Any]]:
    where = {"detector": "adwin", "feature": feature, "verdict": verdict}
    return store.view("drift_history", where=where, newest_first=False)


def test_a_null_rate_that_rises_is_found_dated_and_told_as_broken_data() -> None:
    store = new_store()
    read(store, messages(12, nulls=0.2))
    first = found(store, "nulls of age")[0]
    details = first["details"]
    assert details["before"] == pytest.approx(0.02, abs=0.02)
    assert details["after"] == pytest.approx(0.22, abs=0.06)
    assert details["changed_at_ms"] == pytest.approx(START_MS + 12 * HOUR_MS, abs=HOUR_MS)
    assert details["changed_at_ms"] % HOUR_MS == 0
    assert first["shift"] == "covariate"
    assert not found(store, "nulls of country") + found(store, "mean of score")
    (alert,) = store.view("alert_history", where={"feature": "nulls of age"})
    assert (alert["status"], kind_of(alert_of(alert))) == ("firing", Kind.BROKEN)
    assert "% since" in drift_words(first)
    assert drift_words(found(store, "nulls of age", "ok")[0]).endswith("no change (ADWIN)")


def test_a_score_that_rises_is_a_shift_of_the_outputs() -> None:
    store = new_store()
    read(store, messages(12, score=0.4))
    first = found(store, "mean of score")[0]
    assert (first["shift"], first["details"]["is_ranked"]) == ("prior", False)
    assert first["details"]["before"] == pytest.approx(0.5, abs=0.03)
    assert first["effect"] == pytest.approx(0.2, abs=0.05)
    (alert,) = store.view("alert_history", where={"feature": "mean of score"})
    assert kind_of(alert_of(alert)) is Kind.OUTPUTS
    assert not found(store, "nulls of age")


@pytest.mark.parametrize("seed", range(3))
def test_batches_and_crashes_change_no_step(seed: int) -> None:
    rows = messages(12, nulls=0.2, score=0.3)
    plain, crashed = new_store(), new_store()
    read(plain, rows)
    read(crashed, rows, seed=seed + 1, crashes=0.3)
    assert rows_of(crashed, "drift_history") == rows_of(plain, "drift_history")
    with plain.lock("loans") as one, crashed.lock("loans") as other:
        assert one is not None
        assert other is not None
        assert one.detector_states() == other.detector_states()
        steps = {(state.signal, state.rows) for state in one.detector_states()}
    n = HOURS * PER_HOUR
    assert steps == {("mean of score", n), ("nulls of age", n), ("nulls of country", n)}


def test_rows_that_resemble_each_other_are_drawn_only_as_often_as_they_count() -> None:
    known = plan(EXTRA)
    clustered = replace(
        known.reference, design_effect={"score": 2.0, "age": 9.0}, absence_effect={"age": 4.0}
    )
    known = replace(known, reference=clustered)
    whole, span = known.reference.profile, Span(0, HOUR_MS, 1)
    drawn = {each.name: len(each.take(9_999)[0]) for each in window_signals(known, whole, span)}
    assert drawn == {"mean of score": 1_000, "nulls of age": 500, "nulls of country": 2_000}


def test_windows_of_an_earlier_reference_are_not_stepped_through() -> None:
    store = new_store()
    engine = new_engine(store, PARTS[:1], {"loans": plan(EXTRA)})
    rows = log(6, 60)
    engine.take([chunk(PARTS[0], rows[:200])])
    engine.commit()
    engine.replace_plans({"loans": plan(EXTRA, seed=2)}, Speaking())
    engine.close_windows()
    assert store.view("window_history")
    assert not store.view("drift_history", where={"detector": "adwin"})


def test_nothing_is_stepped_through_unless_it_is_asked_for() -> None:
    store = new_store()
    read(store, messages(12, nulls=0.5), extra="")
    assert not store.view("drift_history", where={"detector": "adwin"})
    with store.lock("loans") as lock:
        assert lock is not None
        assert lock.detector_states() == ()


def test_another_budget_makes_the_detectors_begin_anew_and_says_so_once() -> None:
    store = new_store()
    rows = messages(99)
    engine = new_engine(store, PARTS[:1], {"loans": plan(EXTRA)})
    engine.take([chunk(PARTS[0], rows[:1_000])])
    engine.commit()
    engine.close_windows()
    other = new_engine(store, PARTS[:1], {"loans": plan('false_alarms = "1 per 10d"\n' + EXTRA)})
    other.assignment(Polled())
    other.take([chunk(PARTS[0], rows[1_000:], 1_000)])
    other.commit()
    other.close_windows(everything=True)
    (lost,) = found(store, "nulls of age", "error")
    assert "the settings now are adwin" in lost["note"]


def test_signals_that_the_reference_cannot_have_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"no feature 'agee', did you mean \"age\""):
        plan('concept = { signals = ["nulls"], nulls_of = ["agee"] }\n')
    known, settings = reference(), config('concept = { signals = ["score"] }\n')
    bare = replace(known, grids={"age": known.grids["age"]})
    with pytest.raises(ConfigError, match='"score" has nothing to watch'):
        model_plan("loans", settings.models["loans"], settings.alerts, bare, 1_000)
