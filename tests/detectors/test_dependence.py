"""Design effects against what is known of the processes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from detectors.columns import Column
from detectors.counts import count
from detectors.dependence import absence_directions, design_effects, value_directions
from detectors.grid import CategoricalGrid, numeric_grid

Floats = NDArray[np.float64]
PER_WINDOW = 1_000


def effects(values: Floats, per_window: int = PER_WINDOW) -> tuple[float, ...]:
    grid = numeric_grid(values[np.isfinite(values)], 256)
    column = Column(values)
    windows = np.arange(len(values)) // per_window
    return design_effects(value_directions(count(grid, column), grid, column), windows)


def autocorrelated(rng: np.random.Generator, rows: int, rho: float) -> Floats:
    values = lfilter([1.0], [1.0, -rho], rng.normal(size=rows + 100))[100:]
    return np.asarray(values, np.float64)


def test_nearly_every_feature_of_independent_rows_has_none() -> None:
    rng = np.random.default_rng(1)
    found = [effects(rng.normal(size=10_000)) for _ in range(200)]
    assert sum(one != (1.0, 1.0) for one in found) <= 8


@pytest.mark.parametrize(("rho", "true"), [(0.3, 1.86), (0.6, 4.0), (0.9, 19.0)])
def test_autocorrelated_rows_have_no_less_than_their_long_run_variance(rho: float, true: float) -> None:
    """(1 + rho) / (1 - rho): that of the location, the largest of all directions."""
    rng = np.random.default_rng(2)
    found = np.array([effects(autocorrelated(rng, 10_000, rho))[0] for _ in range(60)])
    assert np.mean(found >= 0.9 * true) >= 0.95
    assert np.median(found) <= 1.8 * true


def test_a_daily_cycle_grows_over_half_a_day_and_is_gone_over_whole_days() -> None:
    rng = np.random.default_rng(3)
    hours = np.arange(24 * 28).repeat(100)
    found = effects(rng.normal(size=len(hours)) + 0.5 * np.sin(2 * np.pi * hours / 24), 100)
    assert len(found) == 8  # 1, 2, 4 ... 128 hours of 672
    assert found[0] == pytest.approx(12.5, rel=0.5)  # 100 rows whose mean has a variance of .5 ** 2 / 2
    assert found[3] == pytest.approx(68.0, rel=0.6)  # the sum over 8 hours
    assert found[7] < found[3] / 4


def test_windows_whose_means_wander_show_it_though_rows_next_to_each_other_do_not() -> None:
    rng = np.random.default_rng(4)
    means = np.repeat(rng.normal(0.0, 0.1, 300), PER_WINDOW)
    found = effects(rng.normal(size=len(means)) + means)
    assert found[0] == pytest.approx(11.0, rel=0.5)


def test_categories_that_come_in_runs_count_once() -> None:
    rng = np.random.default_rng(5)
    values = np.array(list("abcde"), object)[rng.integers(0, 5, 2_500)].repeat(4)
    grid = CategoricalGrid(tuple("abcde"))
    column = Column(values)
    of = value_directions(count(grid, column), grid, column)
    found = design_effects(of, np.arange(len(values)) // PER_WINDOW)
    assert found[0] == pytest.approx(5.0, rel=0.4)


def test_nulls_that_come_in_spells_count_once() -> None:
    rng = np.random.default_rng(6)
    is_absent = (rng.random(2_000) < 0.1).repeat(10)
    found = design_effects(absence_directions(is_absent), np.arange(len(is_absent)) // PER_WINDOW)
    assert found[0] == pytest.approx(12.0, rel=0.4)


def test_rows_without_a_value_are_passed_over() -> None:
    rng = np.random.default_rng(7)
    values = autocorrelated(rng, 20_000, 0.6)
    values[rng.random(20_000) < 0.1] = np.nan
    assert 3.0 < effects(values)[0] < 7.0


def test_what_cannot_be_estimated_is_not_there() -> None:
    assert effects(np.full(10_000, 3.0)) == ()
    assert effects(np.arange(300.0)) == ()
    assert absence_directions(np.zeros(10, np.bool_)) is None


def test_few_windows_still_show_what_neighbouring_rows_have_in_common() -> None:
    rng = np.random.default_rng(8)
    found = effects(autocorrelated(rng, 10_000, 0.6), 10_000)
    assert len(found) == 1
    assert 3.6 < found[0] < 8.0
