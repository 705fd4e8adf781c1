from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from detectors.cells import numeric_table, table_of
from detectors.columns import Column
from detectors.counts import CategoricalCounts, NumericCounts, count_categorical, count_numeric
from detectors.distances import JensenShannon, Psi, TotalVariation, Wasserstein, psi
from detectors.grid import CategoricalGrid, NumericGrid, numeric_grid

Floats = NDArray[np.float64]
TIED = st.lists(st.integers(-9, 9).map(float), min_size=1, max_size=40).map(np.array)
LETTERS = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=40)
FEW = CategoricalGrid(("a", "b", "c"))


def numeric(
    reference: Floats, current: Floats, grid: NumericGrid | None = None
) -> tuple[NumericCounts, NumericCounts, NumericGrid]:
    grid = grid or numeric_grid(reference)
    return count_numeric(grid, Column(reference)), count_numeric(grid, Column(current)), grid


def letters(values: list[str]) -> CategoricalCounts:
    return count_categorical(FEW, Column(np.array(values, object)))


@given(TIED, TIED)
def test_wasserstein_equals_scipy_when_all_values_lie_on_the_grid(a: Floats, b: Floats) -> None:
    grid = NumericGrid(np.arange(-9.0, 10.0))
    result = Wasserstein().compare(*numeric(a, b, grid))
    assert result.statistic == pytest.approx(wasserstein_distance(a, b), abs=1e-12)


def test_wasserstein_at_the_grid_resolution_is_close_to_scipy() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=5000), rng.normal(0.3, 1.2, 4000)
    counts = numeric(a, b, numeric_grid(a, 200))
    assert Wasserstein().compare(*counts).statistic == pytest.approx(wasserstein_distance(a, b), rel=0.02)


def test_wasserstein_reaches_beyond_the_reference() -> None:
    a, b = np.array([0.0, 1.0]), np.array([10.0, 10.0])
    distance = Wasserstein().compare(*numeric(a, b)).statistic
    assert 4.0 < distance <= 10.0  # the rows above the grid are spread up to the maximum


def test_crossing_distribution_functions_do_not_cancel_within_an_interval() -> None:
    grid = NumericGrid(np.array([0.0, 1.0]))
    a = NumericCounts(np.array([1, 1]), np.array([0, 0, 0]), minimum=0.0, maximum=1.0)
    b = NumericCounts(np.array([0, 0]), np.array([0, 2, 0]), minimum=0.2, maximum=0.8)
    assert Wasserstein().compare(a, b, grid).statistic == pytest.approx(0.25)


@given(LETTERS, LETTERS)
def test_jensen_shannon_equals_scipy_to_base_two(a: list[str], b: list[str]) -> None:
    result = JensenShannon().compare(letters(a), letters(b), FEW)
    p, q = ([values.count(letter) for letter in "abcdef"] for values in (a, b))
    expected = float(jensenshannon(p, q, 2.0))
    assert result.statistic == pytest.approx(0.0 if math.isnan(expected) else expected, abs=1e-7)


@given(LETTERS, LETTERS)
def test_total_variation_is_the_share_of_rows_to_move(a: list[str], b: list[str]) -> None:
    result = TotalVariation().compare(letters(a), letters(b), FEW)
    gaps = (a.count(letter) / len(a) - b.count(letter) / len(b) for letter in "abcdef")
    assert result.statistic == pytest.approx(sum(gap for gap in gaps if gap > 0), abs=1e-12)


def test_psi_is_close_to_its_definition_in_large_samples() -> None:
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.3, 0.3])
    table = np.stack([p, q]) * 1_000_000
    expected = float(((q - p) * np.log(q / p)).sum())
    assert psi(np.rint(table).astype(np.int64)) == pytest.approx(expected, rel=1e-4)


def test_an_empty_cell_does_not_blow_psi_up() -> None:
    table = np.array([[1000, 0], [900, 100]])
    assert 0.0 < psi(table) < 1.0


def test_psi_takes_all_unseen_categories_as_one_cell() -> None:
    few = Psi().compare(letters(["a"] * 90), letters(["a"] * 90 + ["x"] * 6), FEW).statistic
    many = Psi().compare(letters(["a"] * 90), letters(["a"] * 90 + list("uvwxyz")), FEW).statistic
    assert few == many


def test_psi_without_drift_is_about_the_cells_over_the_rows() -> None:
    rng = np.random.default_rng(2)
    values = [
        Psi().compare(*numeric(rng.normal(size=5000), rng.normal(size=500))).statistic for _ in range(50)
    ]
    assert np.mean(values) == pytest.approx(9 * (1 / 5000 + 1 / 500), rel=0.2)


@pytest.mark.parametrize("size", [3, 50, 3000])
def test_numeric_cells_hold_about_a_tenth_of_the_reference_each(size: int) -> None:
    rng = np.random.default_rng(size)
    a = rng.normal(size=size)
    left, right, _ = numeric(a, a + 0.01)
    table = numeric_table(left, right, 10)
    inside = table[0][table[0] > 0]
    assert table[0].sum() == table[1].sum() == size
    assert len(inside) <= 10
    assert abs(inside - size / len(inside)).max() <= 1


def test_rows_outside_the_reference_are_cells_of_their_own() -> None:
    left, right, grid = numeric(np.full(100, 5.0), np.array([4.0, 6.0, 6.0, 5.0]))
    assert table_of(left, right, grid, 10).tolist() == [[0, 100, 0], [1, 1, 2]]


@pytest.mark.parametrize("distance", [Psi(), JensenShannon(), TotalVariation(), Wasserstein()])
def test_a_distance_is_zero_between_equal_counts_and_has_no_p_value(
    distance: Psi | JensenShannon | TotalVariation | Wasserstein,
) -> None:
    counts, _, grid = numeric(np.arange(50.0), np.arange(50.0))
    result = distance.compare(counts, counts, grid)
    assert result.statistic == 0.0
    assert result.p_value is None
    assert result.note == "a distance, not a test"


def test_wasserstein_refuses_categories() -> None:
    with pytest.raises(TypeError, match="numeric"):
        Wasserstein().compare(letters(["a"]), letters(["a"]), FEW)
