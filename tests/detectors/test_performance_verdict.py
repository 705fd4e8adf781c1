from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from detectors.budget import holm
from detectors.metrics import Measured
from detectors.performance_build import build_performance
from detectors.performance_metrics import estimated, realised
from detectors.performance_reference import PerformanceReference, ReferenceMetric
from detectors.performance_verdict import Judged, judge_performance
from detectors.result import Verdict
from detectors.scored import summarise_scored
from tests.detectors.performance_worlds import BINARY, binary_world, columns

BUILT = binary_world(np.random.default_rng(1), 300)
BARE = build_performance(
    BINARY, columns(predicted=BUILT.rows.prediction, score=BUILT.rows.scores[:, 0], label=BUILT.labels)
)
ACCURACY = ReferenceMetric(0.9, 0.001, 10, 0.901, 0.005, 0.00002)


def reference(**metrics: ReferenceMetric) -> PerformanceReference:
    return PerformanceReference(BARE.layout, BARE.labelled, BARE.scored, metrics)


def value(metric: str, at: float, error: float = 0.004, rows: int = 5000, bound: float = 0.0) -> Measured:
    return Measured(metric, at, at - 2 * error, at + 2 * error, error, rows, bound)


def judged(
    one: Measured,
    before: ReferenceMetric = ACCURACY,
    tolerance: Mapping[str, float] | None = None,
    level: float = 0.01,
) -> Judged:
    known = reference(**{one.metric: before})
    (found,) = judge_performance(known, [one], level, 100, frozenset({one.metric}), tolerance or {})
    return found


def test_inside_the_band_of_the_references_windows_is_ok() -> None:
    found = judged(value("accuracy", 0.8861, error=0.0001))
    assert (found.band_low, found.band_high) == pytest.approx((0.886, 0.916))
    assert found.verdict is Verdict.OK
    assert found.p_value is not None
    assert found.p_value < 1e-9, "significant, but tolerated"


def test_outside_the_band_and_significant_is_drift_in_either_direction() -> None:
    worse, better = judged(value("accuracy", 0.87)), judged(value("accuracy", 0.94))
    assert (worse.verdict, worse.direction) == (Verdict.DRIFT, "worse")
    assert (better.verdict, better.direction) == (Verdict.DRIFT, "better")


def test_outside_the_band_by_chance_is_ok_and_nearly_significant_warns() -> None:
    assert judged(value("accuracy", 0.87, error=0.02)).verdict is Verdict.OK
    assert judged(value("accuracy", 0.87, error=0.0125)).verdict is Verdict.WARN


def test_what_binning_can_move_is_tolerated() -> None:
    assert judged(value("roc_auc", 0.884, error=0.001, bound=0.003)).verdict is Verdict.OK
    assert judged(value("roc_auc", 0.884, error=0.001, bound=0.001)).verdict is Verdict.DRIFT


@pytest.mark.parametrize(
    ("metric", "before", "own", "band"),
    [
        ("accuracy", ReferenceMetric(0.9, 0.001), None, (0.88, 0.92)),
        ("accuracy", ReferenceMetric(0.9, 0.001, 4, 0.9, 0.001, 0.1), None, (0.88, 0.92)),
        ("accuracy", ACCURACY, 0.05, (0.85, 0.95)),
        ("recall[x]", ReferenceMetric(0.9, 0.001), None, (0.88, 0.92)),
        ("log_loss", ReferenceMetric(0.3, 0.001), None, (0.27, 0.33)),
        ("mae", ReferenceMetric(200.0, 1.0), 0.5, (100.0, 300.0)),
        ("r2", ReferenceMetric(0.7, 0.01), None, (0.68, 0.72)),
    ],
)
def test_tolerances_are_absolute_for_shares_and_relative_for_others(
    metric: str, before: ReferenceMetric, own: float | None, band: tuple[float, float]
) -> None:
    found = judged(value(metric, 0.5), before, None if own is None else {metric: own})
    assert (found.band_low, found.band_high) == pytest.approx(band)


def test_a_bias_is_relative_to_the_mean_absolute_error() -> None:
    known = reference(bias=ReferenceMetric(0.01, 0.1), mae=ReferenceMetric(20.0, 0.1))
    (found,) = judge_performance(known, [value("bias", 5.0, 0.1)], 0.01, 100, frozenset({"bias"}))
    assert (found.band_low, found.band_high) == pytest.approx((-1.99, 2.01))
    assert (found.verdict, found.direction) == (Verdict.DRIFT, "worse")


@pytest.mark.parametrize(
    ("metric", "lower"),
    [("accuracy", "worse"), ("r2", "worse"), ("log_loss", "better"), ("brier", "better"),
     ("calibration_error", "better"), ("mae", "better"), ("rmse", "better"), ("f1_macro", "worse")],
)  # fmt: skip
def test_low_is_good_for_losses(metric: str, lower: str) -> None:
    assert judged(value(metric, 0.5), ReferenceMetric(0.6, 0.01)).direction == lower


def test_too_few_rows_are_inconclusive_and_count_in_no_correction() -> None:
    known = reference(accuracy=ACCURACY, recall=ACCURACY)
    found = judge_performance(
        known,
        [value("accuracy", 0.5, rows=99), value("recall", 0.88)],
        0.01,
        100,
        frozenset({"accuracy", "recall"}),
    )
    assert [(one.verdict, one.p_value is None) for one in found] == [
        (Verdict.INCONCLUSIVE, True), (Verdict.DRIFT, False)
    ]  # fmt: skip
    assert found[1].adjusted_p == found[1].p_value


def test_alarming_metrics_are_corrected_and_others_only_warn() -> None:
    names = ("accuracy", "precision", "recall", "f1")
    known = reference(**dict.fromkeys(names, ACCURACY))
    values = [value(name, at) for name, at in zip(names, (0.88, 0.885, 0.87, 0.86), strict=True)]
    found = judge_performance(known, values, 0.01, 100, frozenset({"accuracy", "precision"}))
    p_values = [one.p_value for one in found]
    assert [one.adjusted_p for one in found] == [*holm(p_values[:2]), *p_values[2:]]
    assert found[3].verdict is Verdict.WARN


def test_a_metric_that_the_reference_lacks_is_left_out() -> None:
    assert judge_performance(reference(), [value("accuracy", 0.5)], 0.01, 100, frozenset({"accuracy"})) == ()


def test_dependent_windows_are_less_sure() -> None:
    uneven = ReferenceMetric(0.9, 0.001, 10, 0.9, 0.009, 0.00002)
    assert uneven.design_effect == pytest.approx(0.009**2 * 10 / 9 / 0.00002)
    one = value("accuracy", 0.87)
    first, second = judged(one).p_value, judged(one, uneven).p_value
    assert first is not None
    assert second is not None
    assert first < second


def test_without_any_variance_only_equality_is_likely() -> None:
    flat = ReferenceMetric(1.0, 0.0)
    assert judged(value("rmse", 1.0, error=0.0), flat).p_value == 1.0
    assert judged(value("rmse", 2.0, error=0.0), flat).p_value == 0.0


def test_good_models_raise_no_more_than_the_wanted_rate_of_false_alarms_in_small_windows() -> None:
    # wanted at most 1 % by the p-value alone, 2,000 windows each: four standard deviations are 0.9 %
    rng = np.random.default_rng(2)
    world = binary_world(rng, 40_000, digits=2)
    scores = world.rows.scores[:, 0]
    known = build_performance(
        BINARY, columns(predicted=world.rows.prediction, score=scores, label=world.labels)
    )
    names = frozenset({"accuracy", "roc_auc", "f1", "brier"})
    small: dict[str, int] = dict.fromkeys(names, 0)
    for _ in range(2000):
        window = binary_world(rng, 120, digits=2)
        measured = realised(known, window.labelled(known))
        for one in judge_performance(known, measured, 0.01, 100, frozenset()):
            if one.measured.metric in names and one.p_value is not None:
                small[one.measured.metric] += one.p_value <= 0.01
    assert max(small.values()) <= 38, small


def test_a_window_of_easier_rows_is_found_with_and_without_labels() -> None:
    rng = np.random.default_rng(3)
    world = binary_world(rng, 40_000)
    scores = world.rows.scores[:, 0]
    given = columns(predicted=world.rows.prediction, score=scores, label=world.labels)
    known = build_performance(BINARY, given, np.arange(40_000) * 1000, 2_000_000)
    window = binary_world(rng, 2000, shift=-1.0)
    for measured in (
        realised(known, window.labelled(known)),
        estimated(known, summarise_scored(known, window.rows)),
    ):
        found = {
            one.measured.metric: one
            for one in judge_performance(known, measured, 0.001, 100, frozenset({"brier"}))
        }
        assert found["brier"].verdict is Verdict.DRIFT
        assert found["brier"].direction == "better"
