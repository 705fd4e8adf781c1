"""Bins for pictures: nothing is lost in them, and both sides stand on the same ones."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.bins import category_bins, numeric_bins
from detectors.columns import Column
from detectors.counts import CategoricalCounts, NumericCounts, count_categorical, count_numeric
from detectors.grid import NumericGrid, categorical_grid, numeric_grid

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200)


def counted(grid: NumericGrid, values: list[float]) -> NumericCounts:
    return count_numeric(grid, Column(np.array(values, float)))


def named(grid_of: list[str], values: list[str]) -> tuple[CategoricalCounts, CategoricalCounts]:
    grid = categorical_grid(np.array(grid_of, object))
    first, second = (count_categorical(grid, Column(np.array(each, object))) for each in (grid_of, values))
    return first, second


@given(VALUES, VALUES)
def test_the_shares_of_each_side_add_up_to_one(before: list[float], now: list[float]) -> None:
    grid = numeric_grid(np.array(before))
    bins = numeric_bins(counted(grid, before), counted(grid, now), grid)
    assert sum(one.reference for one in bins) == pytest.approx(1.0)
    assert sum(one.current for one in bins) == pytest.approx(1.0)
    assert all(one.reference >= -1e-12 and one.current >= -1e-12 for one in bins)
    assert all(one.low <= one.high <= other.high for one, other in pairwise(bins))


def test_bins_count_what_numpy_counts() -> None:
    rng = np.random.default_rng(3)
    before, now = rng.normal(50, 10, 2_000), rng.normal(60, 10, 500)
    grid = numeric_grid(before)  # unthinned: every value is a point
    bins = numeric_bins(counted(grid, before.tolist()), counted(grid, now.tolist()), grid)
    inner = [one for one in bins if math.isfinite(one.low + one.high)]
    edges = [one.low for one in inner] + [inner[-1].high]
    assert 12 <= len(inner) <= 30
    assert [one.reference for one in inner] == pytest.approx(
        (np.histogram(before, edges)[0] / 2_000).tolist()
    )
    exact = np.histogram(now, edges)[0] / 500
    assert [one.current for one in inner] == pytest.approx(
        exact.tolist(), abs=0.004
    )  # within intervals: spread


def test_one_stray_value_does_not_squeeze_the_picture() -> None:
    values = [*np.linspace(0, 100, 1_000).tolist(), 1e9]
    grid = numeric_grid(np.array(values))
    bins = numeric_bins(counted(grid, values), counted(grid, values), grid)
    assert sum(one.reference > 0.01 for one in bins) > 15


def test_few_values_are_a_bin_each() -> None:
    values = [0.0, 0.0, 1.0, 2.0]
    grid = numeric_grid(np.array(values))
    bins = numeric_bins(counted(grid, values), counted(grid, [0.0, 1.5, 7.0, -3.0]), grid)
    assert [(one.low, one.high) for one in bins] == [(-3.0, 0.0), (1.0, 1.0), (1.0, 2.0), (2.0, math.inf)]
    assert [one.reference for one in bins] == [0.5, 0.25, 0.25, 0.0]
    assert [one.current for one in bins] == [0.5, 0.0, 0.25, 0.25]


def test_nothing_counted_is_nothing_drawn_and_no_mistake() -> None:
    grid = numeric_grid(np.array([1.0, 2.0]))
    assert [one.current for one in numeric_bins(counted(grid, [1.0, 2.0]), counted(grid, []), grid)] == [
        0.0,
        0.0,
    ]
    empty = numeric_grid(np.array([]))
    assert numeric_bins(counted(empty, []), counted(empty, []), empty) == ()


def test_categories_keep_their_names_and_the_rest_is_one_bin() -> None:
    before, now = named([f"c{i}" for i in range(30) for _ in range(30 - i)], ["c0"] * 5 + ["new"] * 5)
    grid = categorical_grid(np.array([f"c{i}" for i in range(30) for _ in range(30 - i)], object))
    bins = category_bins(before, now, grid, most=5)
    assert [one.name for one in bins] == ["c0", "c1", "c2", "c3", "new", "all others"]
    assert [one.is_new for one in bins] == [False, False, False, False, True, False]
    assert bins[-1].others == 26
    assert sum(one.reference for one in bins) == pytest.approx(1.0)
    assert sum(one.current for one in bins) == pytest.approx(1.0)
