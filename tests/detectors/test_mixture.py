from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.cells import interleaved
from detectors.columns import Column
from detectors.counts import Counts, NumericCounts, count, merge
from detectors.grid import CategoricalGrid, NumericGrid
from detectors.mixture import mixed

GRID = NumericGrid(np.array([0.0, 1.0, 2.0]))
TEXTS = CategoricalGrid(("a", "b", "c"))
VALUES = st.lists(st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, np.nan, np.inf]), max_size=12)
WORDS = st.lists(st.sampled_from(["a", "b", "c", "", "z"]), max_size=12)


def numbers(values: list[float]) -> NumericCounts:
    found = count(GRID, Column(np.array(values, np.float64)))
    assert isinstance(found, NumericCounts)
    return found


def words(values: list[str]) -> Counts:
    return count(TEXTS, Column(np.array(values, object)))


@given(VALUES, VALUES)
def test_rows_that_all_count_fully_are_the_sum(one: list[float], other: list[float]) -> None:
    assert mixed([numbers(one), numbers(other)], [1.0, 1.0]) == merge(numbers(one), numbers(other))


def test_a_part_that_does_not_count_leaves_no_trace() -> None:
    assert mixed([numbers([1.0, 9.0]), numbers([0.5])], [0.0, 1.0]) == numbers([0.5])


@given(st.lists(st.tuples(VALUES, st.floats(0.0, 1.0)), min_size=1, max_size=4))
def test_up_to_any_value_there_are_as_many_as_the_weights_make(
    parts: list[tuple[list[float], float]],
) -> None:
    counts = [numbers(values) for values, _ in parts]
    found = mixed(counts, [weight for _, weight in parts])
    assert isinstance(found, NumericCounts)
    exact: NDArray[np.float64] = np.sum(
        [np.cumsum(interleaved(each)) * weight for each, (_, weight) in zip(counts, parts, strict=True)],
        axis=0,
    )
    assert np.abs(np.cumsum(interleaved(found)) - exact).max() <= 0.5 + 1e-9
    assert interleaved(found).min() >= 0


@given(WORDS, WORDS)
def test_categories_add_up_and_unknown_ones_are_the_rest(one: list[str], other: list[str]) -> None:
    found, added = mixed([words(one), words(other)], [1.0, 1.0]), words(one + other)
    assert found.n == added.n
    assert found.rows == added.rows
    assert not isinstance(found, NumericCounts)
    assert not isinstance(added, NumericCounts)
    assert found.known.tolist() == added.known.tolist()
    assert (found.unseen, found.other) == ({}, added.other + sum(added.unseen.values()))
    assert found.empty_text == added.empty_text


def test_half_of_each_category_is_left() -> None:
    found = mixed([words(["a"] * 40 + ["b"] * 20 + ["c"] * 4), words(["c"] * 10)], [0.5, 1.0])
    assert not isinstance(found, NumericCounts)
    assert found.known.tolist() == [20, 10, 12]


def test_kinds_are_not_mixed() -> None:
    with pytest.raises(TypeError, match="cannot be mixed"):
        mixed([numbers([1.0]), words(["a"])], [1.0, 1.0])
