from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.columns import Column
from detectors.counts import NumericCounts, count_categorical, count_numeric, empty
from detectors.covariate import moved, quantile
from detectors.grid import CategoricalGrid, Grid, NumericGrid, numeric_grid

TIED = st.lists(st.integers(-9, 9).map(float), min_size=1, max_size=40).map(np.array)


def words(grid: CategoricalGrid, reference: str, current: str) -> dict[str, Any]:
    before, now = (
        count_categorical(grid, Column(np.array(list(text), object))) for text in (reference, current)
    )
    return moved(before, now, grid)


@given(TIED, st.floats(0.0, 1.0))
def test_a_quantile_on_the_grid_is_that_of_numpy(values: NDArray[np.float64], q: float) -> None:
    grid = numeric_grid(values)
    counts = count_numeric(grid, Column(values))
    assert quantile(counts, grid, q) in {
        float(np.quantile(values, q, method="inverted_cdf")),
        float(np.quantile(values, min(1.0, q + 1e-12), method="inverted_cdf")),
    }


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=40).map(np.array), st.integers(1, 99))
def test_a_quantile_off_the_grid_lies_in_the_right_interval(
    values: NDArray[np.float64], percent: int
) -> None:
    grid = NumericGrid(np.array([-20.0, 0.0, 30.0]))
    counts = count_numeric(grid, Column(values))
    got = quantile(counts, grid, percent / 100)
    true = float(np.quantile(values, percent / 100, method="inverted_cdf"))
    assert np.searchsorted(grid.points, got) == np.searchsorted(grid.points, true)
    assert values.min() <= got <= values.max()


def test_a_quantile_of_nothing_is_not_a_number() -> None:
    assert math.isnan(quantile(empty(NumericGrid(np.array([1.0]))), NumericGrid(np.array([1.0])), 0.5))


def test_a_quantile_of_categories_is_refused() -> None:
    grid = CategoricalGrid(("a",))
    with pytest.raises(TypeError, match="numeric"):
        quantile(empty(grid), grid, 0.5)


def test_a_numeric_feature_moved_from_median_to_median() -> None:
    reference, current = np.arange(101.0), np.arange(50.0, 151.0)
    grid = numeric_grid(reference)
    before, now = count_numeric(grid, Column(reference)), count_numeric(grid, Column(current))
    summary = moved(before, now, grid)
    assert summary["kind"] == "numeric"
    assert (summary["median_reference"], summary["median_current"]) == (50.0, 100.0)
    assert summary["share_moved"] == pytest.approx(50 / 101)
    for each, q in zip(summary["quantiles"], (0.05, 0.25, 0.5, 0.75, 0.95), strict=True):
        assert (each["q"], each["reference"]) == (q, 100 * q)
        assert each["current"] == pytest.approx(100 * q + 50, abs=1.0)


def test_a_tail_that_grew_shows_in_the_quantile_that_moved() -> None:
    reference = np.arange(100.0)
    current = np.where(reference >= 90, reference * 2, reference)
    grid = numeric_grid(reference)
    before, now = count_numeric(grid, Column(reference)), count_numeric(grid, Column(current))
    apart = [
        each["q"] for each in moved(before, now, grid)["quantiles"] if each["reference"] != each["current"]
    ]
    assert apart == [0.95]


def test_a_categorical_feature_moved_by_its_largest_changes() -> None:
    summary = words(CategoricalGrid(("a", "b", "c")), "aaaaabbbcc", "aabbbccxxx")
    assert summary == {
        "kind": "categorical",
        "changes": [
            {"category": "a", "reference": 0.5, "current": 0.2},
            {"category": "x", "reference": 0.0, "current": 0.3},
        ],
        "unseen": 0.3,
    }


def test_the_five_largest_changes_are_named_largest_first() -> None:
    current = "a" + "b" * 2 + "c" * 3 + "d" * 4 + "e" * 5 + "f" * 6 + "g" * 7
    changes = words(CategoricalGrid(tuple("abcdefgh")), "h" * 28, current)["changes"]
    assert [change["category"] for change in changes] == ["h", "g", "f", "e", "d"]


def test_the_rest_of_an_open_grid_is_not_called_unseen() -> None:
    assert words(CategoricalGrid(("a",), is_open=True), "ab", "bc")["unseen"] == 0.0


@pytest.mark.parametrize("grid", [NumericGrid(np.array([1.0])), CategoricalGrid(("a",))])
def test_nothing_on_one_side_is_still_json(grid: Grid) -> None:
    summary = moved(empty(grid), empty(grid), grid)
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_counts_of_two_kinds_are_refused() -> None:
    grid = CategoricalGrid(("a",))
    numeric = NumericCounts.empty(NumericGrid(np.array([1.0])))
    with pytest.raises(TypeError, match="one kind"):
        moved(numeric, empty(grid), grid)
