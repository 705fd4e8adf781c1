from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import smirnov
from scipy.stats import kstwo

from detectors.smirnov import TAIL_ROWS, TAIL_SQUARE, asymptotic_p, exact_p, one_sided_tail, p_value


def test_the_smallest_exact_p_values_keep_their_relative_precision() -> None:
    assert exact_p(100 * 100, 100, 100) == pytest.approx(2.0 / math.comb(200, 100), rel=1e-12)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 1600))
def test_the_exact_p_value_is_symmetric_and_a_probability(n: int, m: int, distance: int) -> None:
    p = exact_p(min(distance, n * m), n, m)
    assert 0.0 < p <= 1.0
    assert exact_p(min(distance, n * m), m, n) == p


def test_the_exact_p_value_of_a_tiny_case_is_a_count_of_orders() -> None:
    # Of the six orders of two and two values, two keep the samples apart.
    assert exact_p(4, 2, 2) == pytest.approx(2 / 6)
    assert exact_p(2, 2, 2) == pytest.approx(1.0)
    assert exact_p(0, 2, 2) == 1.0


@pytest.mark.parametrize("n", [141, 1000, 4097, 9000, 60_000])
@pytest.mark.parametrize("z", [1.49, 2.0, 3.0, 6.0, 11.0])
def test_the_far_tail_equals_the_sum_of_all_its_terms(n: int, z: float) -> None:
    statistic = z / math.sqrt(n)
    assert one_sided_tail(statistic, n) == pytest.approx(float(smirnov(n, statistic)), rel=1e-12)


@pytest.mark.parametrize("n", [139, 140, 141, 300, 5000])
def test_the_p_value_of_any_distance_is_that_of_scipy(n: int) -> None:
    for statistic in np.linspace(0.0, 1.0, 201):  # includes round shares, where terms are exactly zero
        assert asymptotic_p(float(statistic), 2 * n, 2 * n) == pytest.approx(
            float(kstwo.sf(statistic, n)), abs=1e-12, rel=1e-9
        )


def test_billions_of_rows_have_a_p_value() -> None:
    n = 10**9
    statistic = 4.0 / math.sqrt(n / 2)
    assert asymptotic_p(statistic, n, n) == pytest.approx(2 * math.exp(-32), rel=1e-3)


def test_the_p_value_falls_where_one_formula_follows_the_other() -> None:
    n = TAIL_ROWS + 1
    edge = math.sqrt(TAIL_SQUARE / n)
    below, above = (asymptotic_p(edge + nudge, 2 * n, 2 * n) for nudge in (-1e-9, 1e-9))
    assert above < below < above * (1 + 1e-4)


def test_small_samples_are_exact_and_large_ones_asymptotic() -> None:
    assert p_value(200, 20, 40) == exact_p(200, 20, 40)
    assert p_value(200, 20, 40, 1.5) == asymptotic_p(0.25, 20, 40, 1.5)
    assert p_value(500_000, 1000, 1000) == asymptotic_p(0.5, 1000, 1000)
    assert p_value(300 * 1000, 600, 800) == asymptotic_p(300 / 480, 600, 800)  # too many paths for a float
