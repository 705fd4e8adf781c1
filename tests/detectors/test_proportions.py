from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from detectors.proportions import all_by_chance, share_exceeds, share_rose


@pytest.mark.parametrize(
    ("hits", "rows", "known_hits", "known_rows"),
    [(3, 20, 5, 100), (20, 20, 5, 100), (1, 20, 0, 100), (36, 165, 5000, 50_000), (165, 165, 5000, 50_000)],
)
def test_a_risen_share_is_fishers_exact_test(hits: int, rows: int, known_hits: int, known_rows: int) -> None:
    table = np.array([[hits, rows - hits], [known_hits, known_rows - known_hits]])
    expected = stats.fisher_exact(table, alternative="greater").pvalue
    assert share_rose(hits, rows, known_hits, known_rows) == pytest.approx(expected, rel=1e-7, abs=1e-300)


def test_a_window_without_hits_or_rows_says_nothing() -> None:
    assert share_rose(0, 100, 5, 100) == 1.0
    assert share_rose(0, 0, 0, 0) == 1.0


def test_rows_that_resemble_each_other_count_as_fewer() -> None:
    plain, clustered = share_rose(36, 165, 500, 5000), share_rose(36, 165, 500, 5000, design_effect=4.0)
    assert plain < 1e-4 < clustered < 0.2
    assert share_rose(3, 3, 10, 100, design_effect=50.0) == 1.0


def test_on_one_population_the_test_keeps_its_level() -> None:
    rng = np.random.default_rng(3)
    known, windows = rng.binomial(2000, 0.1, 3000), rng.binomial(150, 0.1, 3000)
    found = [share_rose(int(k), 150, int(r), 2000) for k, r in zip(windows, known, strict=True)]
    share = float(np.mean(np.array(found) <= 0.05))
    assert 0.02 < share <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 3000)


def test_an_exceeded_limit_is_an_exact_binomial_test() -> None:
    expected = stats.binomtest(7, 100, 0.02, alternative="greater").pvalue
    assert share_exceeds(7, 100, 0.02) == pytest.approx(expected)
    assert share_exceeds(0, 100, 0.02) == 1.0
    assert share_exceeds(1, 100, 0.0) is None, "a rule that one hit breaks needs no test"


def test_every_row_alike_is_likely_only_of_a_large_share_or_few_rows() -> None:
    assert all_by_chance(0.5, 10) == pytest.approx(2**-10)
    assert all_by_chance(0.5, 100, design_effect=100.0) == 0.5
    assert all_by_chance(0.0, 5) == 0.0
