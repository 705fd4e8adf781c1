from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, dirichlet_multinomial, multinomial

from detectors.split_evidence import (
    CONCENTRATIONS,
    dependence_evidence,
    split_evidence,
    total_variation,
)

HALVES = np.array([0.5, 0.5])
LOOKS = np.unique(np.geomspace(10, 5_000, 40).astype(int))
EXPERIMENTS, ALPHA = 1_000, 0.05
MOST_FALSE = binom.ppf(1 - 1e-6, EXPERIMENTS, ALPHA)
"""More false alarms than this come once in a million times when the promise holds."""


def test_the_evidence_is_scipys_likelihood_ratio_averaged_over_concentrations() -> None:
    rows, shares = np.array([31, 52, 17]), np.array([0.3, 0.5, 0.2])
    ratios = [
        dirichlet_multinomial.pmf(rows, c * shares, np.array(100)) / multinomial.pmf(rows, 100, shares)
        for c in CONCENTRATIONS
    ]
    assert math.exp(split_evidence(rows, shares)) == pytest.approx(np.mean(ratios))


def test_a_fair_split_is_called_off_in_at_most_alpha_of_experiments_looked_at_all_the_time() -> None:
    rng = np.random.default_rng(1)
    dealt = (rng.random((EXPERIMENTS, LOOKS[-1])) < 0.5).cumsum(axis=1)[:, LOOKS - 1]
    false = sum(
        any(
            split_evidence(np.array([n, look - n]), HALVES) >= -math.log(ALPHA)
            for n, look in zip(row, LOOKS.tolist(), strict=True)
        )
        for row in dealt
    )
    assert false <= MOST_FALSE


def test_one_per_cent_off_is_found_within_two_hundred_thousand_rows() -> None:
    rng = np.random.default_rng(2)
    found = [
        split_evidence(np.array([n, 200_000 - n]), HALVES) > math.log(100)
        for n in rng.binomial(200_000, 0.51, 50)
    ]
    assert np.mean(found) >= 0.95


def test_blind_dealing_is_called_off_in_at_most_alpha_of_experiments_whatever_the_split() -> None:
    rng = np.random.default_rng(3)
    false = 0
    looks = LOOKS[::3]
    for _ in range(EXPERIMENTS):
        values, treated = rng.integers(0, 10, looks[-1]), rng.random(looks[-1]) < 0.3
        cells = 2 * values + treated
        tables = (np.bincount(cells[:look], minlength=20).reshape(10, 2) for look in looks)
        false += any(dependence_evidence(table, HALVES) >= -math.log(ALPHA) for table in tables)
    assert false <= MOST_FALSE


def test_a_column_that_tells_the_variant_is_found() -> None:
    same = np.array([[500, 500], [500, 500]])
    apart = np.array([[560, 440], [440, 560]])
    assert dependence_evidence(same, HALVES) < 0
    assert dependence_evidence(apart, HALVES) > math.log(100)
    assert total_variation(apart) == pytest.approx(0.12)


def test_no_rows_are_no_evidence() -> None:
    nothing = np.zeros((3, 2), np.int64)
    assert split_evidence(nothing[0], HALVES) == pytest.approx(0)
    assert dependence_evidence(nothing, HALVES) == pytest.approx(0)
    assert math.isnan(total_variation(nothing))


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=8))
@settings(max_examples=50)
def test_evidence_of_dependence_does_not_look_at_the_order_of_bins(lines: list[tuple[int, int]]) -> None:
    table = np.array(lines)
    assert dependence_evidence(table, HALVES) == pytest.approx(dependence_evidence(table[::-1], HALVES))
