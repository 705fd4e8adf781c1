"""Scores by rank within a window's own hours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.cells import interleaved
from detectors.columns import Column
from detectors.counts import Counts, NumericCounts, count
from detectors.grid import CategoricalGrid, numeric_grid
from detectors.scores import BINS
from detectors.seasonal_scores import SeasonalScores, seasonal_scores_of

Floats = NDArray[np.float64]
RNG = np.random.default_rng(1)
NIGHT = RNG.normal(0.0, 1.0, 3_000).round(3)
NOON = NIGHT + 8.0
WHOLE = np.concatenate([NIGHT, NOON])
GRID = numeric_grid(WHOLE, 6_000)
TEXTS = CategoricalGrid(("a", "b", "c"))


def numbers(values: Floats) -> NumericCounts:
    found = count(GRID, Column(values))
    assert isinstance(found, NumericCounts)
    return found


def words(**rows: int) -> Counts:
    return count(TEXTS, Column(np.repeat(np.array(list(rows), object), list(rows.values()))))


def scores(whole: Counts) -> SeasonalScores:
    found = seasonal_scores_of(whole)
    assert found is not None
    return found


BASE = scores(numbers(WHOLE))


def test_rows_that_look_as_expected_are_evidence_of_nothing() -> None:
    for hour in (NIGHT, NOON, WHOLE):
        level = BASE.level(numbers(hour), numbers(hour), 1.0)
        assert level.sums == pytest.approx(0.0, abs=1e-6)
        assert level.rows == pytest.approx(len(hour) / 2.0)


def test_the_same_shift_says_the_same_at_any_hour() -> None:
    moved = [BASE.level(numbers(hour), numbers(hour + 0.3), 1.0).means() for hour in (NIGHT, NOON)]
    assert moved[0][0] == pytest.approx(0.3, abs=0.05)
    assert moved[1] == pytest.approx(moved[0], abs=0.06)
    assert BASE.base.moved(moved[0]) == pytest.approx(0.119, abs=0.02)  # D of normals .3 apart


@given(st.lists(st.integers(0, 30), min_size=1, max_size=12).filter(any))
def test_no_score_varies_more_than_it_may_whatever_values_are_tied(rows: list[int]) -> None:
    """One value at a time is looked at: that gives the scores of all of them."""
    values = np.arange(len(rows), dtype=np.float64)
    grid = numeric_grid(values)
    expected = count(grid, Column(np.repeat(values, rows)))
    each = [count(grid, Column(values[at : at + 1])) for at in range(len(rows))]
    table = np.array([BASE.level(expected, one, 1.0).means() for one in each])
    mass = np.array(rows) / sum(rows)
    assert mass @ table == pytest.approx(0.0, abs=1e-9)
    for part in BASE.base.components:
        columns = table[:, part.begin : part.end]
        assert np.linalg.eigvalsh((columns * mass[:, None]).T @ columns).max() <= 1.0 + 1e-9


def test_values_that_never_come_at_this_hour_are_seen_though_the_hour_has_one_value_only() -> None:
    expected = numbers(np.repeat(NIGHT[:1], 500))
    level = BASE.level(expected, numbers(NOON[:50]), 1.0)
    assert BASE.base.moved(level.means()) == pytest.approx(1.0 - 1.0 / BINS)


def test_rows_count_for_less_where_few_are_expected_or_neighbours_are_alike() -> None:
    night, now = numbers(NIGHT[:100]), numbers(NIGHT[500:600])
    one, other = (BASE.level(night, now, effect) for effect in (1.0, 4.0))
    assert (one.rows, other.rows) == (50.0, 12.5)
    assert other.means() == pytest.approx(one.means())
    assert not BASE.level(night, numbers(NIGHT[:0]), 1.0).rows


def test_categories_are_compared_with_what_the_hour_has_of_them() -> None:
    whole = scores(words(a=600, b=300, c=100))
    as_ever = whole.level(words(a=50, b=50, c=400), words(a=10, b=10, c=80), 1.0)
    assert as_ever.sums == pytest.approx(0.0, abs=1e-9)
    assert as_ever.rows == pytest.approx(100 * 500 / 600 / 8)  # c is eight times as frequent as in the whole
    moved = whole.level(words(a=60, b=30, c=10), words(a=50, b=30, c=20), 1.0)
    assert whole.base.moved(moved.means()) == pytest.approx(0.1)


def test_a_feature_of_one_value_has_no_scores() -> None:
    assert seasonal_scores_of(numbers(np.repeat(NIGHT[:1], 9))) is None
    assert interleaved(numbers(NIGHT[:1])).sum() == 1
