"""Sequential detectors get no more rows than the alert budget was shared over."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from detectors.clustering import RowsPerWindow
from detectors.losses import MAX_KEPT, LossSample
from detectors.result import Shift, Verdict
from monitor.levels import level
from monitor.performance.learn import loss_signals
from monitor.performance.stepping import Rows, Signal, rows_paid_for, step
from monitor.plan import ModelPlan
from monitor.windows import Span
from tests.monitor.labelled_worlds import labelled_plan
from tests.monitor.worlds import HOUR_MS, plan

WATCHED = 'concept = { signals = ["nulls"], nulls_of = ["age"] }\n'


def plan_with(
    rows_per_window: float | None, budget: str = "1 per 30d", window_ms: int = HOUR_MS
) -> ModelPlan:
    known = plan(f'{WATCHED}false_alarms = "{budget}"\n')
    usual = None
    if rows_per_window is not None:
        usual = RowsPerWindow(window_ms, 100, 0, 10**9, rows_per_window)
    return replace(known, reference=replace(known.reference, rows_per_window=usual))


def signal(values: Any) -> Signal:
    def take(at_most: int) -> Rows:
        chosen = np.asarray(values, np.float64)[:at_most]
        return chosen, np.arange(len(chosen))

    return Signal("nulls of age", Shift.COVARIATE, take, 0.2, 0.4)


def hour(number: int) -> Span:
    return Span(number * HOUR_MS, (number + 1) * HOUR_MS, 1)


@pytest.mark.parametrize(
    ("usual", "paid"), [(None, MAX_KEPT), (3.0, 256), (200.0, 400), (199.4, 399), (1e6, MAX_KEPT)]
)
def test_twice_the_references_rows_are_paid_for_within_bounds(usual: float | None, paid: int) -> None:
    assert rows_paid_for(plan_with(usual)) == paid


def test_the_references_rows_are_scaled_to_the_windows_of_now() -> None:
    assert rows_paid_for(plan_with(4_800.0, window_ms=24 * HOUR_MS)) == 400


def test_no_window_brings_more_rows_than_were_paid_for_and_not_used() -> None:
    known = plan_with(200.0)
    stored, taken = None, []
    for number, rows in ((0, 9_999), (1, 9_999), (2, 100), (3, 9_999), (10, 9_999), (11, 9_999)):
        before = 0 if stored is None else stored.rows
        stored, _ = step(known, signal(np.zeros(rows)), "adwin", 1, stored, hour(number))
        taken.append(stored.rows - before)
    assert taken == [400, 400, 100, 700, 2_800, 400]


def test_what_is_saved_for_labels_that_come_all_at_once_is_bounded() -> None:
    known = plan_with(200.0)
    stored, _ = step(known, signal(np.zeros(9)), "adwin", 1, None, hour(0))
    after, _ = step(known, signal(np.zeros(99_999)), "adwin", 1, stored, hour(5_000))
    assert after.rows - stored.rows == MAX_KEPT


@pytest.mark.parametrize("busy", [1, 40])
def test_production_that_is_busier_than_the_reference_spends_no_more_than_the_budget(busy: int) -> None:
    known = plan_with(200.0, "1 per 40h")
    rng = np.random.default_rng(3)
    windows, found, stored, stands = 4_000, 0, None, False
    for number in range(windows):
        values = rng.random(200 * busy) < 0.2
        stored, finding = step(known, signal(values), "adwin", 1, stored, hour(number))
        found += finding.verdict is Verdict.WARN or (finding.verdict is Verdict.DRIFT and not stands)
        stands = finding.verdict is Verdict.DRIFT
    allowed = windows * level(known, 1)
    assert found <= allowed + 2 * math.sqrt(allowed)


def test_of_too_many_losses_those_with_the_smallest_hashes_are_taken_in_the_order_of_time() -> None:
    rng = np.random.default_rng(4)
    rows = 3_000
    hashes = rng.permutation(rows).astype(np.uint64)
    loss = rng.random(rows).astype(np.float32)
    times = rng.permutation(rows).astype(np.int64)
    first = LossSample.of(times[:900], hashes[:900], loss[:900], loss[:900])
    rest = LossSample.of(times[900:], hashes[900:], loss[900:], loss[900:])
    for sample in (first.merge(rest), rest.merge(first)):
        signals = {each.name: each for each in loss_signals(labelled_plan(), sample.in_time_order())}
        values, stamps = signals["loss"].take(400)
        chosen = sorted(np.flatnonzero(hashes < 400).tolist(), key=lambda row: int(times[row]))
        assert values.tolist() == loss[chosen].astype(float).tolist()
        assert stamps.tolist() == times[chosen].tolist()


def test_values_that_are_not_finite_and_rows_without_one_are_counted_apart() -> None:
    broken = replace(signal([0.0, math.nan, 1.0, math.inf]), dropped=5)
    stored, finding = step(plan_with(200.0), broken, "adwin", 1, None, hour(0))
    assert (stored.rows, stored.dropped) == (4, 7)
    stored, _ = step(plan_with(200.0), broken, "adwin", 1, stored, hour(1))
    assert (stored.rows, stored.dropped, finding.verdict) == (8, 14, Verdict.OK)
