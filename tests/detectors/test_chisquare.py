from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, fisher_exact

from detectors.chisquare import MIN_EXPECTED, ChiSquare, pearson, pool, smallest_exact_p
from detectors.columns import Column
from detectors.counts import CategoricalCounts, count_numeric
from detectors.grid import CategoricalGrid, numeric_grid
from detectors.result import TestResult

CHI2 = ChiSquare()
Row = list[int]
SIDES: tuple[Literal["less", "greater"], ...] = ("less", "greater")


def counts(known: Row, unseen: dict[str, int] | None = None, other: int = 0) -> CategoricalCounts:
    return CategoricalCounts(np.array(known, np.int64), unseen or {}, other)


def grid_of(size: int, *, is_open: bool = False) -> CategoricalGrid:
    return CategoricalGrid(tuple(f"c{i:04}" for i in range(size)), is_open=is_open)


def compare(reference: CategoricalCounts, current: CategoricalCounts, effect: float = 1.0) -> TestResult:
    return CHI2.compare(reference, current, grid_of(len(reference.known)), effect)


def no_rest(table: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.zeros(table.shape[1], np.bool_)


@pytest.mark.parametrize(
    ("reference", "current"),
    [
        ([500, 300, 200], [50, 30, 20]),
        ([500, 300, 200], [20, 30, 50]),
        ([9000, 900, 100, 80], [900, 120, 10, 9]),
        ([60, 40], [40, 60]),
    ],
)
def test_without_rare_cells_the_result_is_that_of_scipy(reference: Row, current: Row) -> None:
    result = compare(counts(reference), counts(current))
    expected = chi2_contingency([reference, current], correction=False)
    assert result.statistic == pytest.approx(expected.statistic, rel=1e-12)
    assert result.p_value == pytest.approx(expected.pvalue, abs=1e-12, rel=1e-12)
    assert result.note == ""


def test_a_frequent_unseen_category_is_a_cell_of_its_own() -> None:
    result = compare(counts([500, 500]), counts([200, 200], {"new": 100}))
    expected = chi2_contingency([[500, 500, 0], [200, 200, 100]], correction=False)
    assert result.statistic == pytest.approx(expected.statistic, rel=1e-12)
    assert result.p_value == pytest.approx(expected.pvalue, rel=1e-9)


def test_a_thousand_categories_equal_scipy() -> None:
    rng = np.random.default_rng(1)
    reference, current = rng.poisson(400, 1000), rng.poisson(40, 1000)
    result = compare(counts(reference.tolist()), counts(current.tolist()))
    expected = chi2_contingency([reference, current], correction=False)
    assert result.statistic == pytest.approx(expected.statistic, rel=1e-12)
    assert result.p_value == pytest.approx(expected.pvalue, abs=1e-12)


ROWS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=2, max_size=9)


@given(ROWS)
def test_pooling_keeps_all_rows_and_leaves_no_small_expected_count(cells: list[tuple[int, int]]) -> None:
    table = np.array([pair for pair in cells if sum(pair)], np.int64).reshape(-1, 2).T
    if table.size == 0 or not table.sum(axis=1).all():
        return
    pooled = pool(table, no_rest(table))
    assert pooled.table.sum(axis=1).tolist() == table.sum(axis=1).tolist()
    if pooled.table.shape[1] > 1:
        expected = chi2_contingency(pooled.table, correction=False)
        assert expected.expected_freq.min() >= MIN_EXPECTED - 1e-9
        assert pearson(pooled.table) == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)


def test_the_smallest_cells_are_pooled_first_and_only_as_many_as_needed() -> None:
    table = np.array([[100, 3, 40, 2, 60], [100, 2, 40, 1, 60]], np.int64)
    pooled = pool(table, no_rest(table))
    assert pooled.table.tolist() == [[45, 60, 100], [43, 60, 100]]
    assert pooled.merged.tolist() == [[2, 3, 40], [1, 2, 40]]


def test_the_statistic_is_that_of_scipy_on_the_pooled_table() -> None:
    reference, current = [1000, 600, 3, 2], [90, 70, 4, 0]
    result = compare(counts(reference), counts(current))
    pooled = pool(np.array([reference, current]), np.zeros(4, np.bool_)).table
    assert result.statistic == pytest.approx(chi2_contingency(pooled, correction=False).statistic, rel=1e-12)
    assert "pooled" in result.note


def test_a_new_category_in_a_small_window_is_found_although_it_is_pooled() -> None:
    result = compare(counts([5000, 5000]), counts([20, 20], {"new": 10}))
    assert result.p_value is not None
    assert result.p_value < 1e-15


def test_two_cells_too_small_for_chi_square_are_tested_exactly() -> None:
    for reference, current in (([10, 3], [0, 4]), ([5000, 20], [6, 3]), ([3, 1], [1, 3])):
        result = compare(counts(reference), counts(current))
        assert result.p_value is not None
        table = np.array([reference, current])
        assert fisher_exact(table).pvalue <= result.p_value + 1e-12
        one_sided = min(fisher_exact(table, alternative=side).pvalue for side in SIDES)
        assert result.p_value == pytest.approx(min(1.0, 2 * one_sided), rel=1e-9)
        assert "exact" in result.note


def test_the_rest_beyond_the_cap_is_pooled_with_rare_categories_not_taken_as_new() -> None:
    # 600 rare categories, each expected once: those unseen so far are no drift.
    rng = np.random.default_rng(3)
    draws = rng.integers(0, 2000, (2, 3000))
    names = np.unique(draws[0])
    known = counts(np.bincount(draws[0], minlength=2000)[names].tolist())
    now = np.bincount(draws[1], minlength=2000)
    fresh = {f"u{i}": int(now[i]) for i in range(2000) if i not in set(names.tolist()) and now[i]}
    kept = dict(list(fresh.items())[:256])
    other = sum(fresh.values()) - sum(kept.values())
    assert other > 50
    result = compare(known, counts(now[names].tolist(), kept, other))
    assert result.p_value is not None
    assert result.p_value > 0.01


def test_the_rest_beyond_the_cap_is_pooled_with_every_rare_category() -> None:
    table = np.array([[900, 2, 1, 100, 0], [800, 1, 2, 100, 50]], np.int64)
    pooled = pool(table, np.arange(5) == 4)
    assert pooled.table.tolist() == [[3, 100, 900], [53, 100, 800]]
    assert pooled.merged.tolist() == [[2, 1], [1, 2]]


def test_a_flood_of_new_values_beyond_the_cap_is_drift() -> None:
    fresh = {f"u{i}": 1 for i in range(256)}
    result = compare(counts([4000, 4000]), counts([100, 100], fresh, 1000))
    assert result.p_value is not None
    assert result.p_value < 1e-12


def test_the_rest_of_an_open_grid_is_a_category_like_any_other() -> None:
    before, now = counts([500, 300, 30, 10], other=200), counts([50, 30, 3, 10], other=40)
    result = CHI2.compare(before, now, grid_of(4, is_open=True))
    expected = chi2_contingency([[500, 300, 40, 200], [50, 30, 13, 40]], correction=False)
    assert result.statistic == pytest.approx(expected.statistic, rel=1e-12)
    assert result.note == "2 rare categories pooled"


def test_the_same_shares_give_no_evidence() -> None:
    result = compare(counts([600, 400]), counts([60, 40]))
    assert (result.statistic, result.p_value, result.effect) == (0.0, 1.0, 0.0)


def test_categories_that_are_empty_in_both_change_nothing() -> None:
    assert compare(counts([60, 0, 40]), counts([40, 0, 60])) == compare(counts([60, 40]), counts([40, 60]))


def test_the_design_effect_divides_the_statistic() -> None:
    plain = compare(counts([600, 400]), counts([500, 500]))
    divided = compare(counts([600, 400]), counts([500, 500]), 4.0)
    assert divided.statistic == plain.statistic / 4.0
    assert plain.p_value is not None
    assert divided.p_value is not None
    assert divided.p_value > plain.p_value
    assert divided.effect == plain.effect
    assert plain.effect_low is not None
    assert divided.effect_low is not None
    assert divided.effect_low < plain.effect_low


def test_a_design_effect_also_weakens_the_exact_tests() -> None:
    before, now = counts([5000, 5000]), counts([20, 20], {"new": 10})
    plain, divided = compare(before, now), compare(before, now, 5.0)
    assert plain.p_value is not None
    assert divided.p_value is not None
    assert divided.p_value > 1e6 * plain.p_value
    merged = np.array([[0], [10]])
    table = np.array([[9990, 0], [40, 10]])
    fewer = np.array([[999, 0], [4, 1]])
    assert smallest_exact_p(merged, table, 10.0) == pytest.approx(smallest_exact_p(fewer[:, 1:], fewer))


def test_a_design_effect_larger_than_the_sample_leaves_no_evidence() -> None:
    result = compare(counts([50, 50]), counts([1, 9], {"new": 5}), 1000.0)
    assert result.p_value == 1.0


def test_the_lower_end_of_the_effect_knows_that_many_cells_inflate_it() -> None:
    rng = np.random.default_rng(4)
    reference, current = rng.multinomial(2000, np.full(500, 1 / 500), 2)
    result = compare(counts(reference.tolist()), counts(current.tolist()))
    assert result.effect is not None
    assert result.effect > 0.2  # the two samples are of one distribution
    assert result.effect_low == 0.0


def test_the_interval_covers_the_true_total_variation() -> None:
    rng = np.random.default_rng(5)
    p = np.full(40, 1 / 40)
    q = np.concatenate([np.full(20, 1.3 / 40), np.full(20, 0.7 / 40)])
    covered = 0
    for _ in range(200):
        result = compare(counts(rng.multinomial(3000, p).tolist()), counts(rng.multinomial(800, q).tolist()))
        covered += (result.effect_low or 0.0) <= 0.15 <= (result.effect_high or 0.0)
    assert covered >= 190


def test_the_result_is_the_same_every_time() -> None:
    case = counts([50, 3, 2, 1]), counts([5, 1, 0, 3], {"x": 1})
    assert compare(*case) == compare(*case)


def test_numeric_counts_are_refused_with_the_way_out() -> None:
    grid = numeric_grid(np.array([1.0]))
    numeric = count_numeric(grid, Column(np.array([1.0])))
    with pytest.raises(TypeError, match="use ks"):
        CHI2.compare(numeric, numeric, grid)
