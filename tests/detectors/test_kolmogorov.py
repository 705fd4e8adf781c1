from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import ks_2samp, kstwobign

from detectors.columns import Column
from detectors.counts import count_categorical, count_numeric
from detectors.grid import CategoricalGrid, numeric_grid
from detectors.kolmogorov import KolmogorovSmirnov, half_width, scaled_distance
from detectors.result import TestResult
from detectors.smirnov import EXACT_CELLS, asymptotic_p

KS = KolmogorovSmirnov()
Floats = NDArray[np.float64]


def compare(reference: Floats, current: Floats, grid_size: int = 100_000, effect: float = 1.0) -> TestResult:
    grid = numeric_grid(reference, grid_size)
    before, now = count_numeric(grid, Column(reference)), count_numeric(grid, Column(current))
    return KS.compare(before, now, grid, effect)


@pytest.mark.parametrize("shift", [0.0, 0.3, 5.0])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 9), (7, 5), (40, 40), (100, 99), (20, 900), (300, 2)])
def test_small_samples_equal_the_exact_test_of_scipy(n: int, m: int, shift: float) -> None:
    rng = np.random.default_rng([n, m])
    a, b = rng.normal(size=n), rng.normal(shift, size=m)
    result, expected = compare(a, b), ks_2samp(a, b, method="exact")
    assert result.statistic == pytest.approx(expected.statistic, abs=1e-12)
    assert result.p_value == pytest.approx(expected.pvalue, abs=1e-12, rel=1e-9)


@pytest.mark.parametrize("shift", [0.0, 0.05, 1.0])
@pytest.mark.parametrize(("n", "m"), [(1000, 600), (50, 20_000), (10_000, 3000), (2000, 2000)])
def test_large_samples_equal_the_asymptotic_test_of_scipy(n: int, m: int, shift: float) -> None:
    assert n * m > EXACT_CELLS
    rng = np.random.default_rng([n, m])
    a, b = rng.normal(size=n), rng.normal(shift, size=m)
    result, expected = compare(a, b), ks_2samp(a, b, method="asymp")
    assert result.statistic == pytest.approx(expected.statistic, abs=1e-12)
    assert result.p_value == pytest.approx(expected.pvalue, abs=1e-12, rel=1e-9)
    assert result.bound == 0.0


def supremum(a: Floats, b: Floats) -> float:
    """Give D by its definition: the distribution functions differ most at some value."""
    return max(abs(float((a <= x).mean() - (b <= x).mean())) for x in [*a, *b])


TIED = st.lists(st.integers(0, 30).map(float), min_size=1, max_size=60).map(np.array)


@given(TIED, TIED)
def test_the_statistic_is_exact_on_an_unthinned_grid_with_ties(a: Floats, b: Floats) -> None:
    assert compare(a, b).statistic == pytest.approx(supremum(a, b), abs=1e-12)


@given(TIED, TIED, st.integers(2, 20))
def test_a_thinned_grid_is_off_by_at_most_its_bound(a: Floats, b: Floats, grid_size: int) -> None:
    result, exact = compare(a, b, grid_size), supremum(a, b)
    assert exact - result.bound - 1e-12 <= result.statistic <= exact + 1e-12


@given(TIED, TIED, TIED)
def test_two_samples_on_the_grid_of_a_third_are_off_by_at_most_the_bound(
    points: Floats, a: Floats, b: Floats
) -> None:
    grid = numeric_grid(points, 100_000)
    result = KS.compare(count_numeric(grid, Column(a)), count_numeric(grid, Column(b)), grid)
    exact = supremum(a, b)
    assert exact - result.bound - 1e-12 <= result.statistic <= exact + 1e-12
    if np.isin(a, points).all() or np.isin(b, points).all():
        assert result.bound == 0.0


def test_the_bound_of_a_thinned_grid_is_reached_and_stored() -> None:
    a, b = np.arange(1000.0), np.full(100, 0.5)
    exact, thin = compare(a, b), compare(a, b, 10)
    assert thin.bound == pytest.approx(0.099)
    assert exact.statistic == 0.999
    assert exact.statistic - thin.statistic == pytest.approx(thin.bound)


def test_the_upper_end_of_the_effect_allows_for_the_bound() -> None:
    a = np.arange(10_000.0)
    result = compare(a, a + 2000.0, 10)
    half = half_width(10_000, 10_000)
    assert result.bound > 0.09
    assert result.effect_high == pytest.approx(result.statistic + half + result.bound)
    assert result.effect_low == pytest.approx(result.statistic - half)


def test_swapping_the_distribution_between_two_grid_points_is_seen_at_the_limits() -> None:
    a, b = np.array([0.0, 1.0]), np.array([0.5, 0.5, 0.5])
    assert compare(a, b).statistic == 0.5


def test_values_outside_the_reference_count_below_and_above() -> None:
    a, b = np.array([0.0, 1.0]), np.array([-5.0, 9.0])
    assert compare(a, b).statistic == 0.5


def test_the_interval_is_kolmogorovs_quantile_cut_to_the_unit_interval() -> None:
    rng = np.random.default_rng(5)
    result = compare(rng.normal(size=4000), rng.normal(1.0, size=1000))
    half = half_width(4000, 1000)
    assert kstwobign.sf(half * math.sqrt(4000 * 1000 / 5000)) == pytest.approx(0.05)
    assert result.effect == result.statistic
    assert result.effect_low == pytest.approx(result.statistic - half)
    assert result.effect_high == pytest.approx(result.statistic + half)
    tiny = compare(np.array([0.0]), np.array([1.0]))
    assert (tiny.effect_low, tiny.effect_high) == (0.0, 1.0)


@pytest.mark.parametrize("shift", [0.05, 0.5, 2.0])
def test_the_interval_covers_the_true_distance(shift: float) -> None:
    rng = np.random.default_rng(6)
    true = math.erf(shift / 2.0 / math.sqrt(2))  # sup |Phi(x) - Phi(x - s)| = 2 Phi(s / 2) - 1
    results = [compare(rng.normal(size=500), rng.normal(shift, size=300)) for _ in range(200)]
    covered = sum((r.effect_low or 0.0) <= true <= (r.effect_high or 0.0) for r in results)
    assert covered >= 188  # of 200 at 95 %, less two standard errors


def test_a_design_effect_divides_the_rows_but_not_the_statistic() -> None:
    rng = np.random.default_rng(7)
    a, b = rng.normal(size=4000), rng.normal(0.5, size=4000)
    plain, divided = compare(a, b), compare(a, b, effect=4.0)
    assert plain.statistic == divided.statistic
    assert divided.p_value == asymptotic_p(plain.statistic, 1000, 1000)
    assert plain.p_value is not None
    assert plain.p_value < divided.p_value
    assert plain.effect_low is not None
    assert divided.effect_low is not None
    assert plain.statistic - plain.effect_low == pytest.approx((divided.statistic - divided.effect_low) / 2.0)


def test_a_design_effect_above_one_does_not_use_the_exact_test() -> None:
    a, b = np.arange(20.0), np.arange(20.0) + 4.5
    result = compare(a, b, effect=1.000001)
    assert result.p_value == asymptotic_p(result.statistic, 20, 20)


def test_a_design_effect_larger_than_the_sample_gives_no_evidence() -> None:
    assert compare(np.zeros(10), np.ones(10), effect=1000.0).p_value == pytest.approx(0.0, abs=1.0)


def test_counts_of_billions_do_not_overflow() -> None:
    grid = numeric_grid(np.array([0.0, 1.0]))
    unit = count_numeric(grid, Column(np.array([0.0, 1.0, 1.0])))
    big = type(unit)(unit.on * 4_000_000_000, unit.between * 4_000_000_000)
    half = type(unit)(unit.on[::-1] * 4_000_000_000, unit.between * 4_000_000_000)
    assert scaled_distance(big, big) == 0
    assert scaled_distance(big, half) == 12_000_000_000 * 4_000_000_000
    assert KS.compare(big, half, grid).p_value == 0.0


def test_values_that_are_not_finite_do_not_change_the_test() -> None:
    a = np.arange(50.0)
    assert compare(a, np.concatenate([a + 7, [np.nan, np.inf, -np.inf]])) == compare(a, a + 7)


def test_categorical_counts_are_refused_with_the_way_out() -> None:
    grid = CategoricalGrid(("a",))
    counts = count_categorical(grid, Column(np.array(["a"], object)))
    with pytest.raises(TypeError, match="use chi2"):
        KS.compare(counts, counts, grid)
