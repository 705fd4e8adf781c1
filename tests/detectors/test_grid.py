from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.grid import CategoricalGrid, NumericGrid, categorical_grid, numeric_grid

VALUES = st.lists(
    st.floats(allow_nan=False, allow_infinity=False, width=32) | st.sampled_from([0.0, 1.0, 2.0])
)


def test_few_distinct_values_are_all_points_and_the_bound_is_zero() -> None:
    grid = numeric_grid(np.array([3.0, 1.0, 1.0, 2.0]), grid_size=3)
    assert grid.points.tolist() == [1.0, 2.0, 3.0]
    assert grid.bound == 0.0


def test_an_empty_reference_has_a_grid_without_points() -> None:
    assert numeric_grid(np.array([])) == NumericGrid(np.array([]))


def test_a_constant_reference_has_one_point() -> None:
    assert numeric_grid(np.full(10_000, 7.0)).points.tolist() == [7.0]


def test_negative_zero_and_zero_are_one_point_with_the_same_bytes() -> None:
    first, second = numeric_grid(np.array([-0.0, 0.0])), numeric_grid(np.array([0.0, -0.0]))
    assert first.points.tobytes() == second.points.tobytes() == np.array([0.0]).tobytes()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        numeric_grid(np.array([1.0, bad]))


def test_a_grid_of_one_point_is_refused_with_its_size() -> None:
    with pytest.raises(ValueError, match="grid_size is 1"):
        numeric_grid(np.array([1.0]), grid_size=1)


@given(VALUES, st.integers(2, 12))
def test_thinning_keeps_the_extremes_and_every_heavy_value(values: list[float], grid_size: int) -> None:
    data = np.array(values, np.float64)
    grid = numeric_grid(data, grid_size)
    distinct, counts = np.unique(data, return_counts=True)
    kept = set(grid.points.tolist())
    assert len(kept) <= grid_size + 1
    assert (np.diff(grid.points) > 0).all()
    assert {*distinct[:1].tolist(), *distinct[-1:].tolist()} <= kept
    assert set(distinct[counts * grid_size > len(data)].tolist()) <= kept


@given(VALUES, st.integers(2, 12))
def test_the_bound_is_the_largest_share_strictly_between_two_points(
    values: list[float], grid_size: int
) -> None:
    data = np.array(values, np.float64)
    grid = numeric_grid(data, grid_size)
    gaps = [((data > a) & (data < b)).mean() for a, b in zip(grid.points, grid.points[1:], strict=False)]
    assert grid.bound == pytest.approx(max(gaps, default=0.0))
    assert grid.bound < 1.0 / grid_size or len(data) == 0


def test_the_default_grid_of_a_continuous_feature_has_about_2048_points() -> None:
    grid = numeric_grid(np.random.default_rng(1).normal(size=50_000))
    assert len(grid.points) == 2049
    assert 0.0 < grid.bound < 1.0 / 2048


def test_grids_are_equal_by_content() -> None:
    assert numeric_grid(np.array([1.0, 2.0])) == numeric_grid(np.array([2.0, 1.0]))
    assert numeric_grid(np.array([1.0, 2.0])) != numeric_grid(np.array([1.0, 3.0]))
    assert NumericGrid(np.array([1.0]), 0.1) != NumericGrid(np.array([1.0]), 0.2)
    assert CategoricalGrid(("a",)) != CategoricalGrid(("a",), is_open=True)


def test_categories_come_by_falling_count_and_ties_by_text() -> None:
    grid = categorical_grid(np.array(["b", "a", "c", "c", "", "a", "b"], object))
    assert grid.categories == ("a", "b", "c", "")
    assert not grid.is_open
    assert grid.index["c"] == 2


def test_more_categories_than_the_limit_open_the_grid() -> None:
    values = np.array(["a", "a", "b", "c"], object)
    assert categorical_grid(values, max_categories=2) == CategoricalGrid(("a", "b"), is_open=True)
    assert not categorical_grid(values, max_categories=3).is_open
