from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from detectors.metrics_ranking import area, mean_area, measured_area

FloatArray = NDArray[np.float64]
COUNTS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=9)


def expanded(counts: FloatArray) -> FloatArray:
    """Give each row of cell c the score c."""
    return np.repeat(np.arange(len(counts), dtype=np.float64), counts.astype(int))


def delong(negative: NDArray[np.int64], positive: NDArray[np.int64]) -> float:
    """Give DeLong's variance from its definition, pair by pair."""
    pairs = (positive[:, None] > negative).astype(float) + 0.5 * (positive[:, None] == negative)
    return float(
        pairs.mean(axis=1).var(ddof=1) / len(positive) + pairs.mean(axis=0).var(ddof=1) / len(negative)
    )


@given(COUNTS)
def test_the_area_is_the_mann_whitney_statistic(counts: list[tuple[int, int]]) -> None:
    negative, positive = np.array(counts, np.float64).T
    found = area(negative, positive)
    if not negative.sum() or not positive.sum():
        assert found is None
        return
    assert found is not None
    u = stats.mannwhitneyu(expanded(positive), expanded(negative)).statistic
    assert found.value == pytest.approx(u / (positive.sum() * negative.sum()))
    measured = measured_area("roc_auc", found, 10)
    assert 0.0 <= measured.low <= measured.value + 1e-12
    assert measured.value <= measured.high + 1e-12 <= 1.0 + 2e-12
    assert measured.standard_error > 0.0


def test_the_variance_is_delongs() -> None:
    rng = np.random.default_rng(1)
    negative, positive = rng.integers(0, 9, 40), rng.integers(2, 12, 60)
    found = area(*(np.bincount(side, minlength=12).astype(np.float64) for side in (negative, positive)))
    assert found is not None
    assert found.variance == pytest.approx(delong(negative, positive))


def test_binning_moves_the_area_by_no_more_than_the_bound() -> None:
    rng = np.random.default_rng(2)
    negative, positive = rng.normal(size=300), rng.normal(1.0, 1.0, 200)
    exact = stats.mannwhitneyu(positive, negative).statistic / (300 * 200)
    bounds = []
    for size in (2, 8, 400):
        points = np.linspace(-2.0, 3.0, size)
        binned = [
            np.bincount(2 * points.searchsorted(side), minlength=2 * size + 1).astype(np.float64)
            for side in (negative, positive)
        ]
        found = area(*binned)
        assert found is not None
        assert 0.0 < abs(found.value - float(exact)) <= found.bound
        bounds.append(found.bound)
    assert bounds[0] > 0.1
    assert bounds[2] < 0.01


def test_ties_on_points_are_exact() -> None:
    on_points = np.array([0.0, 3.0, 0.0, 5.0, 0.0])
    found = area(on_points, on_points)
    assert found is not None
    assert found.value == pytest.approx(0.5)
    assert found.bound == 0.0


def test_the_slope_is_the_derivative() -> None:
    rng = np.random.default_rng(3)
    negative, positive = rng.uniform(5, 9, 7), rng.uniform(5, 9, 7)
    found = area(negative, positive)
    assert found is not None
    for cell in range(7):
        step = np.eye(7)[cell] * 1e-5
        moved = area(negative - step, positive + step)
        assert moved is not None
        assert (moved.value - found.value) / 1e-5 == pytest.approx(found.slope[cell], rel=1e-3, abs=1e-6)


def test_a_perfect_ranking_has_an_interval_that_few_rows_make_wide() -> None:
    few, many = (
        measured_area("roc_auc", found, 9)
        for size in (5.0, 500.0)
        if (found := area(np.array([size, 0.0]), np.array([0.0, size]))) is not None
    )
    assert few.value == many.value == 1.0
    assert few.low < 0.6
    assert many.low > 0.99
    assert few.standard_error > 10 * many.standard_error > 0.0


def test_the_interval_covers_the_area() -> None:
    # wanted 95 %; 400 samples: four standard deviations are 4.4 %
    rng = np.random.default_rng(4)
    true = float(stats.norm.cdf(2.2 / np.sqrt(2)))
    covered = 0
    for _ in range(400):
        negative, positive = rng.normal(size=120), rng.normal(2.2, 1.0, 40)
        points = np.sort(np.concatenate((negative, positive)))
        found = area(*(np.isin(points, side).astype(float) for side in (negative, positive)))
        assert found is not None
        measured = measured_area("roc_auc", found, 160)
        covered += measured.low <= true <= measured.high
    assert 0.906 <= covered / 400 <= 0.994


def test_the_mean_of_the_classes_is_no_surer_than_the_classes() -> None:
    found = area(np.array([3.0, 1.0]), np.array([1.0, 3.0]))
    assert found is not None
    one = measured_area("roc_auc", found, 8)
    whole = mean_area("roc_auc_macro", [one, one], 8)
    assert whole is not None
    assert (whole.value, whole.standard_error) == (one.value, one.standard_error)
    assert mean_area("roc_auc_macro", [], 8) is None
