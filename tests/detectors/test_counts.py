from __future__ import annotations

import itertools
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors import counts_categorical
from detectors.columns import Column, Presence, concatenate
from detectors.counts import (
    CategoricalCounts,
    Counts,
    NumericCounts,
    count,
    count_categorical,
    count_numeric,
    decode,
    empty,
    encode,
    merge,
)
from detectors.grid import CategoricalGrid, Grid, NumericGrid, numeric_grid

GRID = NumericGrid(np.array([-1.0, 0.0, 0.5, 2.0]), 0.0)
CLOSED, OPEN = CategoricalGrid(("a", "b", "")), CategoricalGrid(("a", "b", ""), is_open=True)
GRIDS: list[Grid] = [GRID, NumericGrid(np.array([])), CLOSED, OPEN]

NUMBERS = st.sampled_from([-2.0, -1.0, -0.5, -0.0, 0.0, 0.25, 0.5, 2.0, 3.0]) | st.floats(width=32)
TEXTS = st.sampled_from(["a", "b", "", "u1", "u2", "u3", "u4", "u5", "é", "\ud800"]) | st.text(
    "abcé\u2028\U0001f600", max_size=2
)
CODES = st.sampled_from([0, 0, 0, 0, 1, 2, 3])


def column(kind: Grid, cells: list[tuple[Any, int]]) -> Column:
    presence = np.array([code for _, code in cells], np.uint8)
    if isinstance(kind, CategoricalGrid):
        return Column(text_array([None if code else value for value, code in cells]), presence)
    return Column(np.array([np.nan if code else value for value, code in cells], np.float64), presence)


def text_array(values: list[Any]) -> NDArray[Any]:
    array = np.empty(len(values), object)
    array[:] = values
    return array


@st.composite
def columns_of_one_grid(draw: st.DrawFn, parts: int = 3) -> tuple[Grid, list[Column]]:
    grid = draw(st.sampled_from(GRIDS))
    cell = st.tuples(TEXTS if isinstance(grid, CategoricalGrid) else NUMBERS, CODES)
    return grid, [column(grid, draw(st.lists(cell, max_size=12))) for _ in range(parts)]


@pytest.fixture(autouse=True)
def _few_unseen_categories(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts_categorical, "MAX_UNSEEN", 3)


@given(columns_of_one_grid())
def test_counts_are_a_commutative_monoid_and_add_up_to_the_union(case: tuple[Grid, list[Column]]) -> None:
    grid, parts = case
    a, b, c = (count(grid, part) for part in parts)
    assert merge(a, empty(grid)) == a == merge(empty(grid), a)
    assert merge(a, b) == merge(b, a)
    assert merge(merge(a, b), c) == merge(a, merge(b, c)) == count(grid, concatenate(parts))


@given(columns_of_one_grid(1), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(case: tuple[Grid, list[Column]], random: Any) -> None:
    grid, [rows] = case
    order = list(range(len(rows)))
    random.shuffle(order)
    shuffled = rows.take(np.array(order, np.intp))
    assert encode(count(grid, shuffled)) == encode(count(grid, rows))


@given(columns_of_one_grid(1))
def test_every_row_is_counted_once(case: tuple[Grid, list[Column]]) -> None:
    grid, [rows] = case
    counts = count(grid, rows)
    assert counts.rows == len(rows)
    assert counts.missing == rows.count(Presence.MISSING)
    assert counts.null == rows.count(Presence.NULL)
    assert counts.bad_type == rows.count(Presence.BAD_TYPE)


@given(columns_of_one_grid(1))
def test_the_stored_form_gives_the_same_counts_back(case: tuple[Grid, list[Column]]) -> None:
    grid, [rows] = case
    counts = count(grid, rows)
    back = decode(encode(counts), grid)
    assert back == counts
    assert encode(back) == encode(counts)


@given(
    st.lists(st.integers(0, 40), max_size=80),
    st.lists(st.integers(-1, 41), max_size=80),
    st.integers(2, 50),
)
def test_numeric_counts_equal_a_count_value_by_value(
    reference: list[int], values: list[int], grid_size: int
) -> None:
    grid = numeric_grid(np.array(reference, np.float64), grid_size)
    counts = count_numeric(grid, Column(np.array(values, np.float64)))
    points = grid.points.tolist()
    edges = [-np.inf, *points, np.inf]
    assert counts.on.tolist() == [values.count(int(point)) for point in points]
    assert counts.between.tolist() == [sum(a < v < b for v in values) for a, b in itertools.pairwise(edges)]
    assert (counts.minimum, counts.maximum) == (min(values, default=np.inf), max(values, default=-np.inf))


@pytest.mark.parametrize("rows", [1, 3, 4, 5, 5000])
def test_both_directions_of_the_search_agree(rows: int) -> None:
    rng = np.random.default_rng(rows)
    values = np.sort(np.round(rng.normal(size=rows), 1))
    grid = NumericGrid(np.round(np.linspace(-1.0, 1.0, 4), 1))
    for got in (
        counts_of(grid, values),
        count_numeric(grid, Column(rng.permutation(values))),
    ):
        assert got.on.sum() + got.between.sum() == rows
        assert got.on.tolist() == [int((values == point).sum()) for point in grid.points]


def counts_of(grid: NumericGrid, values: NDArray[np.float64]) -> NumericCounts:
    """One row at a time: the other direction of the search."""
    total = NumericCounts.empty(grid)
    for value in values:
        total = total.merge(count_numeric(grid, Column(np.array([value]))))
    return total


def test_values_that_are_not_finite_are_counted_beside_the_grid() -> None:
    values = np.array([np.nan, np.inf, -np.inf, 0.5, np.inf, np.nan, np.nan, np.nan])
    presence = np.array([0, 0, 0, 0, 0, 1, 2, 3], np.uint8)
    counts = count_numeric(GRID, Column(values, presence))
    assert (counts.nan, counts.pos_inf, counts.neg_inf) == (1, 2, 1)
    assert (counts.missing, counts.null, counts.bad_type) == (1, 1, 1)
    assert (counts.n, counts.rows) == (1, 8)
    assert (counts.minimum, counts.maximum) == (0.5, 0.5)


def test_an_unseen_category_is_kept_by_name_and_an_empty_text_is_a_value() -> None:
    counts = count_categorical(CLOSED, Column(text_array(["a", "a", "", "new", "new"])))
    assert counts.known.tolist() == [2, 0, 1]
    assert counts.unseen == {"new": 2}
    assert (counts.empty_text, counts.other, counts.n) == (1, 0, 5)


def test_unknown_values_of_an_open_grid_are_the_rest_not_unseen() -> None:
    counts = count_categorical(OPEN, Column(text_array(["a", "x", "y"])))
    assert (counts.unseen, counts.other) == ({}, 2)


def test_unseen_categories_beyond_the_cap_are_counted_as_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts_categorical, "MAX_UNSEEN", 256)
    values = [f"new-{i}" for i in range(1000)] * 2
    whole = count_categorical(CLOSED, Column(text_array(values)))
    assert len(whole.unseen) == 256
    assert set(whole.unseen.values()) == {2}
    assert whole.other == 2 * (1000 - 256)
    parts = [count_categorical(CLOSED, Column(text_array(values[i::7]))) for i in range(7)]
    total = CategoricalCounts.empty(CLOSED)
    for part in parts:
        total = total.merge(part)
    assert total == whole


def test_large_batches_are_counted_like_small_ones() -> None:
    rng = np.random.default_rng(8)
    letters = np.array(["a", "b", "", "nan", "None", "\ud800", "u1"], object)
    values = letters[rng.integers(0, 7, 5000)]
    rows = Column(values, (rng.random(5000) < 0.1).astype(np.uint8))
    values[rows.presence == 1] = None
    total = CategoricalCounts.empty(CLOSED)
    for start in range(0, 5000, 100):
        total = total.merge(count_categorical(CLOSED, rows.take(slice(start, start + 100))))
    assert total == count_categorical(CLOSED, rows)


def test_a_long_unseen_text_is_cut_so_that_memory_is_bounded() -> None:
    counts = count_categorical(CLOSED, Column(text_array(["x" * 10_000, "x" * 20_000])))
    assert counts.unseen == {"x" * counts_categorical.MAX_TEXT: 2}


def test_merging_changes_neither_part() -> None:
    first = count_categorical(CLOSED, Column(text_array(["a", "new"])))
    second = count_categorical(CLOSED, Column(text_array(["newer"])))
    first.merge(second)
    assert (first.unseen, second.unseen) == ({"new": 1}, {"newer": 1})


def test_counts_of_different_grids_or_kinds_are_not_merged() -> None:
    with pytest.raises(ValueError, match="different grids"):
        NumericCounts.empty(GRID).merge(NumericCounts.empty(NumericGrid(np.array([1.0]))))
    with pytest.raises(ValueError, match="different grids"):
        CategoricalCounts.empty(CLOSED).merge(CategoricalCounts.empty(CategoricalGrid(("a",))))
    with pytest.raises(TypeError, match="NumericCounts with CategoricalCounts"):
        merge(empty(GRID), empty(CLOSED))


@pytest.mark.parametrize("top", [0, 255, 256, 65_535, 65_536, 2**32, 2**62])
def test_numbers_of_every_width_come_back(top: int) -> None:
    counts = NumericCounts(np.array([0, top, 0, 1]), np.array([top, 0, 0, 0, 1]), nan=top, minimum=-1.5)
    assert decode(encode(counts), GRID) == counts


def test_stored_counts_are_small() -> None:
    grid = numeric_grid(np.random.default_rng(2).normal(size=20_000))
    counts = count_numeric(grid, Column(np.random.default_rng(3).normal(size=10_000)))
    assert len(encode(counts)) < 2000


ENCODED = encode(empty(GRID))


@pytest.mark.parametrize(
    ("data", "grid", "message"),
    [
        (b"", GRID, "version none"),
        (b"\x02" + ENCODED[1:], GRID, "version 2"),
        (ENCODED, CLOSED, "of kind"),
        (ENCODED, NumericGrid(np.array([1.0])), "another grid"),
        (ENCODED[:-4], GRID, "damaged"),
        (ENCODED[:2] + zlib.compress(b"short"), GRID, "damaged"),
    ],
)
def test_bytes_that_cannot_be_read_are_refused_with_the_reason(data: bytes, grid: Grid, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode(data, grid)


def test_an_empty_batch_gives_the_identity() -> None:
    kinds: list[tuple[Grid, Counts]] = [(grid, empty(grid)) for grid in GRIDS]
    for grid, identity in kinds:
        assert count(grid, column(grid, [])) == identity
