from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.columns import Column
from detectors.counts import NumericCounts, count_numeric
from detectors.grid import NumericGrid, numeric_grid
from detectors.kolmogorov import KolmogorovSmirnov
from detectors.weighted import of_buckets, of_values, weighted_values

VALUES = st.lists(st.integers(-20, 20), min_size=1, max_size=60)


@given(VALUES, st.data(), st.integers(2, 12))
def test_weighted_values_are_counted_as_if_they_were_repeated(
    drawn: list[int], data: st.DataObject, grid_size: int
) -> None:
    values = np.array(drawn, np.float64)
    weights = np.array(
        data.draw(st.lists(st.integers(0, 9), min_size=len(drawn), max_size=len(drawn))), np.int64
    )
    repeated = np.repeat(values, weights)
    grid, counts = of_values(values, weights, grid_size)
    wanted = numeric_grid(repeated, grid_size)
    assert grid == wanted
    assert counts == count_numeric(wanted, Column(repeated))


def buckets(values: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    edges = np.linspace(values.min(), values.max(), number + 1)
    below = np.array([(values < edge).sum() for edge in edges])
    below[-1] = len(values)
    return edges, np.diff(below)


@given(
    st.lists(st.integers(0, 30), min_size=2, max_size=40).filter(lambda drawn: len(set(drawn)) > 1),
    st.lists(st.integers(-5, 35), min_size=1, max_size=40),
)
def test_buckets_never_show_more_drift_than_there_is_nor_much_less(
    reference: list[int], window: list[int]
) -> None:
    """Integers lie on the bounds of buckets, where a value counted on the wrong side shows as drift."""
    before, now = np.array(reference, np.float64), np.array(window, np.float64)
    exact = distance(numeric_grid(before), before, now)
    grid, known = of_buckets(*buckets(before, 10))
    found = KolmogorovSmirnov().compare(known, count_numeric(grid, Column(now)), grid)
    assert found.statistic <= exact + 1e-12
    assert exact <= found.statistic + found.bound + 1e-12


def distance(grid: NumericGrid, before: np.ndarray, now: np.ndarray) -> float:
    known, current = (count_numeric(grid, Column(side)) for side in (before, now))
    return KolmogorovSmirnov().compare(known, current, grid).statistic


def test_one_value_in_all_buckets_is_one_point() -> None:
    grid, counts = of_buckets(np.full(11, 3.0), np.array([0] * 9 + [7]))
    assert (grid.points.tolist(), counts.on.tolist(), counts.n) == ([3.0], [7], 7)


def test_bounds_that_do_not_rise_are_refused() -> None:
    with pytest.raises(ValueError, match="do not rise"):
        of_buckets(np.array([0.0, 2.0, 1.0]), np.array([1, 1]))


@given(VALUES, st.integers(2, 12))
def test_counts_give_their_values_back_at_the_resolution_of_the_grid(
    drawn: list[int], grid_size: int
) -> None:
    values = np.array(drawn, np.float64)
    grid = numeric_grid(values, grid_size)
    counts = count_numeric(grid, Column(values))
    found, weights = weighted_values(counts, grid)
    assert count_numeric(grid, Column(np.repeat(found, weights))).between.tolist() == counts.between.tolist()
    assert int(weights.sum()) == len(values)
    if grid.bound == 0.0:
        assert np.repeat(found, weights).tolist() == sorted(drawn)


def test_no_values_are_no_values() -> None:
    grid, counts = of_values(np.zeros(0), np.zeros(0, np.int64))
    assert counts == NumericCounts.empty(grid)
    assert [len(each) for each in weighted_values(counts, grid)] == [0, 0]
