"""False-alarm rates and power of the tests, simulated with fixed seeds.

A rate is accepted inside the central 99.99 % of the binomial distribution of
the wanted one, so a sound test fails here once in ten thousand seeds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from detectors.chisquare import ChiSquare
from detectors.columns import Column
from detectors.counts import CategoricalCounts, count_numeric
from detectors.grid import CategoricalGrid, numeric_grid
from detectors.kolmogorov import KolmogorovSmirnov

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]
WANTED = 0.05
SIMULATIONS = 300


def normal(rng: np.random.Generator, rows: int) -> NDArray[np.float64]:
    return rng.normal(size=rows)


def shifted(rng: np.random.Generator, rows: int) -> NDArray[np.float64]:
    return rng.normal(0.5, size=rows)


def rounded(rng: np.random.Generator, rows: int) -> NDArray[np.float64]:
    return np.round(rng.normal(size=rows))


def ks_p_values(n: int, m: int, before: Draw, now: Draw, seed: int, runs: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    p_values = np.empty(runs)
    for run in range(runs):
        reference, current = before(rng, n), now(rng, m)
        grid = numeric_grid(reference)
        counts = count_numeric(grid, Column(reference)), count_numeric(grid, Column(current))
        p_value = KolmogorovSmirnov().compare(*counts, grid).p_value
        assert p_value is not None
        p_values[run] = p_value
    return p_values


def chi2_p_values(
    n: int, m: int, before: NDArray[np.float64], now: NDArray[np.float64], seed: int, runs: int
) -> NDArray[np.float64]:
    """Known are the categories that the reference drew; the others are unseen, as in production."""
    rng = np.random.default_rng(seed)
    p_values = np.empty(runs)
    for run in range(runs):
        reference, current = rng.multinomial(n, before), rng.multinomial(m, now)
        known = reference > 0
        unseen = {str(at): int(current[at]) for at in np.flatnonzero(~known & (current > 0))}
        sides = CategoricalCounts(reference[known]), CategoricalCounts(current[known], unseen)
        grid = CategoricalGrid(tuple(str(at) for at in np.flatnonzero(known)))
        p_value = ChiSquare().compare(*sides, grid).p_value
        assert p_value is not None
        p_values[run] = p_value
    return p_values


def accepted(runs: int, wanted: float) -> tuple[int, int]:
    low, high = binom.interval(0.9999, runs, wanted)
    return int(low), int(high)


def zipf(categories: int) -> NDArray[np.float64]:
    weights = 1.0 / np.arange(1.0, categories + 1.0)
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


@pytest.mark.parametrize(("n", "m"), [(10_000, 50), (10_000, 1000), (60, 40)])
def test_ks_raises_the_wanted_rate_of_false_alarms(n: int, m: int) -> None:
    low, high = accepted(SIMULATIONS, WANTED)
    p_values = ks_p_values(n, m, normal, normal, 1, SIMULATIONS)
    assert low <= (p_values <= WANTED).sum() <= high
    assert 0.4 <= np.median(p_values) <= 0.6


@pytest.mark.parametrize(("n", "m"), [(10_000, 50), (10_000, 1000), (60, 40)])
def test_ks_on_values_with_ties_raises_no_more_than_the_wanted_rate(n: int, m: int) -> None:
    _, high = accepted(SIMULATIONS, WANTED)
    assert (ks_p_values(n, m, rounded, rounded, 2, SIMULATIONS) <= WANTED).sum() <= high


@pytest.mark.parametrize(("m", "wanted"), [(200, 0.97), (1000, 1.0)])
def test_ks_finds_half_a_standard_deviation(m: int, wanted: float) -> None:
    runs = 60
    p_values = ks_p_values(10_000, m, normal, shifted, 3, runs)
    assert (p_values <= 0.001).sum() >= accepted(runs, wanted)[0]


@pytest.mark.parametrize(("n", "m"), [(10_000, 1000), (300, 200)])
def test_chi_square_without_rare_categories_raises_the_wanted_rate(n: int, m: int) -> None:
    runs = 1000
    low, high = accepted(runs, WANTED)
    p_values = chi2_p_values(n, m, zipf(5), zipf(5), 4, runs)
    assert low <= (p_values <= WANTED).sum() <= high


@pytest.mark.parametrize(
    ("n", "m", "categories"), [(10_000, 50, 6), (10_000, 20, 40), (2000, 1000, 300), (9, 7, 3)]
)
def test_chi_square_with_rare_and_unseen_categories_raises_no_more_than_the_wanted_rate(
    n: int, m: int, categories: int
) -> None:
    runs = 500
    _, high = accepted(runs, WANTED)
    p_values = chi2_p_values(n, m, zipf(categories), zipf(categories), 5, runs)
    assert (p_values <= WANTED).sum() <= high


def test_categories_unseen_by_a_small_reference_are_not_drift() -> None:
    flat = np.full(240, 1 / 240)  # a third of the categories is missing in the reference
    runs = 500
    assert (chi2_p_values(260, 200, flat, flat, 6, runs) <= WANTED).sum() <= accepted(runs, WANTED)[1]


@pytest.mark.parametrize("m", [500, 2000])
def test_chi_square_finds_a_tenth_of_the_rows_that_changed_category(m: int) -> None:
    before, now = np.array([0.5, 0.3, 0.2, 0.0]), np.array([0.45, 0.25, 0.2, 0.1])
    assert (chi2_p_values(10_000, m, before, now, 7, 50) <= 1e-6).all()
