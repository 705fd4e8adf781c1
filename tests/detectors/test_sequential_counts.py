"""Rows drawn from counts are as good as the rows themselves, but for their order."""

from __future__ import annotations

import math

import numpy as np
import pytest

from detectors import concept
from detectors.columns import Column
from detectors.counts import NumericCounts, count, count_numeric
from detectors.grid import CategoricalGrid, NumericGrid, numeric_grid
from detectors.sequential_counts import Tallied

GRID = NumericGrid(np.array([0.2, 0.4, 0.8]))


def counted(values: list[float], grid: NumericGrid = GRID) -> NumericCounts:
    return count_numeric(grid, Column(np.array(values)))


def amounts(values: list[float], reference: list[float], grid: NumericGrid = GRID) -> Tallied:
    return Tallied.amounts(counted(values, grid), grid, counted(reference, grid))


def test_shares_keep_their_values_and_lie_half_way_between_points() -> None:
    reference = [0.2, 0.4, 0.4, 0.8]
    tallied = amounts([0.2, 0.8, 0.3, 0.1, 0.95, -7.0, 9.0, math.nan, math.inf], reference)
    drawn = tallied.drawn(100, "seed")
    assert sorted(drawn.tolist()) == pytest.approx([0.1, 0.1, 0.2, 0.3, 0.8, 0.9, 0.9])
    assert (tallied.dropped, tallied.is_ranked) == (2, False)
    moments = amounts(reference, reference).moments()
    assert moments == pytest.approx((0.45, np.std(reference)))


def test_other_numbers_become_the_share_of_the_reference_that_is_smaller() -> None:
    reference = np.random.default_rng(1).normal(300.0, 50.0, 20_000)
    grid = numeric_grid(reference)
    known = count_numeric(grid, Column(reference))
    same = Tallied.amounts(known, grid, known)
    assert same.is_ranked
    assert same.moments() == pytest.approx((0.5, math.sqrt(1 / 12)), abs=1e-3)
    median = Tallied.amounts(count_numeric(grid, Column(np.array([300.0]))), grid, known)
    assert median.drawn(9, "seed") == pytest.approx([0.5], abs=0.02)
    beyond = Tallied.amounts(count_numeric(grid, Column(np.array([-1e9, 1e9]))), grid, known)
    assert sorted(beyond.drawn(9, "seed").tolist()) == [0.0, 1.0]


def test_an_absent_value_is_a_one_whatever_the_feature_is() -> None:
    column = Column(np.array(["a", "b", None], object), np.array([0, 0, 2], np.uint8))
    texts = count(CategoricalGrid(("a",)), column)
    assert sorted(Tallied.absences(texts).drawn(9, "seed").tolist()) == [0.0, 0.0, 1.0]
    numbers = counted([1.0, math.nan, math.inf, 0.5])
    assert sorted(Tallied.absences(numbers).drawn(9, "seed").tolist()) == [0.0, 0.0, 0.0, 1.0]


def test_the_seed_alone_decides_which_rows_come_in_which_order() -> None:
    tallied = Tallied(np.array([0.0, 0.5, 1.0]), np.array([500, 300, 200]))
    one, again, other = (tallied.drawn(400, seed).tolist() for seed in ("a", "a", "b"))
    assert one == again != other
    assert sorted(tallied.drawn(1000, "a").tolist()) == [0.0] * 500 + [0.5] * 300 + [1.0] * 200
    first = [np.count_nonzero(tallied.drawn(400, str(i))[:200]) for i in range(300)]
    assert np.mean(first) == pytest.approx(100.0, abs=1.5)  # the order is a fair shuffle
    kept = [np.mean(tallied.drawn(400, str(i))) for i in range(300)]
    assert np.mean(kept) == pytest.approx(0.35, abs=0.005)  # and those that are left out are a fair choice


def test_counts_beyond_what_can_be_drawn_from_are_scaled_down() -> None:
    tallied = Tallied(np.array([0.0, 1.0]), np.array([6 * 10**9, 2 * 10**9]))
    assert np.mean(tallied.drawn(4096, "seed")) == pytest.approx(0.25, abs=0.03)
    assert Tallied(np.array([0.0, 1.0]), np.array([0, 0])).drawn(10, "seed").tolist() == []


@pytest.mark.parametrize("rate", [0.2, 0.02])
def test_drawn_rows_raise_no_more_false_alarms_than_were_asked_for(rate: float) -> None:
    wanted, windows, rows = 8e-6, 2_000, 400
    settings = concept.settings_for("adwin", wanted, rate, math.sqrt(rate * (1 - rate)))
    nulls = np.random.default_rng(5).binomial(2_000, rate, windows)
    state, found = None, 0
    for window, count_ in enumerate(nulls.tolist()):
        tallied = Tallied(np.array([0.0, 1.0]), np.array([2_000 - count_, count_]))
        values = tallied.drawn(rows, f"m\nnulls of x\n{window}")
        state, changes = concept.step(state, settings, values, np.arange(rows) + window * rows)
        found += len(changes)
    expected = wanted * windows * rows
    assert found <= expected + 2 * math.sqrt(expected)


def test_a_change_of_a_null_rate_is_found_and_dated_to_its_window() -> None:
    settings = concept.settings_for("adwin", 1e-9, 0.01, 0.1)
    state, found = None, list[concept.Change]()
    for window in range(100):
        nulls = 40 if window < 60 else 160
        tallied = Tallied(np.array([0.0, 1.0]), np.array([4_000 - nulls, nulls]))
        times = 1_000 * window + np.arange(512) * 1_000 // 512
        state, changes = concept.step(state, settings, tallied.drawn(512, str(window)), times)
        found += changes
    assert [change.changed_at_ms // 1_000 for change in found] in ([59], [60], [61])
    assert found[0].before == pytest.approx(0.01, abs=0.003)
    assert found[0].after == pytest.approx(0.04, abs=0.02)
