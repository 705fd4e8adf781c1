from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from detectors.prior import ShareEstimate, interval, multinomial_covariance, nothing_known, share_test

REFERENCE = np.array([0.7, 0.3])


def estimate(*shares: float, rows: int = 1000, statistic: float = 4.0) -> ShareEstimate:
    given_shares = np.array(shares)
    covariance = multinomial_covariance(given_shares, rows)
    low, high = interval(given_shares, np.sqrt(np.diagonal(covariance)))
    return ShareEstimate(
        given_shares,
        low,
        high,
        covariance,
        statistic,
        condition=2.0,
        conclusive=True,
        note="",
        rows=rows,
    )


def test_the_p_value_is_that_of_chi_square_with_one_degree_less_than_classes() -> None:
    two = share_test(estimate(0.6, 0.4), REFERENCE, 5000)
    assert two.p_value == pytest.approx(chi2.sf(4.0, 1))
    three = share_test(estimate(0.6, 0.2, 0.2), np.array([0.6, 0.3, 0.1]), 5000)
    assert three.p_value == pytest.approx(chi2.sf(4.0, 2))


def test_the_effect_is_the_total_variation_and_for_two_classes_its_interval_the_usual_one() -> None:
    result = share_test(estimate(0.6, 0.4), REFERENCE, 5000)
    error = np.sqrt(0.6 * 0.4 / 1000 + 0.7 * 0.3 / 5000)
    assert result.effect == pytest.approx(0.1)
    assert result.effect_low == pytest.approx(0.1 - 1.96 * error, abs=1e-5)
    assert result.effect_high == pytest.approx(0.1 + 1.96 * error, abs=1e-5)
    assert (result.n_reference, result.n_current) == (5000, 1000)


def test_the_interval_covers_every_difference_within_the_ellipsoid() -> None:
    shares, known = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.5, 0.2, 0.2, 0.1])
    result = share_test(estimate(*shares), known, 5000)
    covariance = multinomial_covariance(shares, 1000) + multinomial_covariance(known, 5000)
    rng = np.random.default_rng(1)
    draws = rng.multivariate_normal(shares - known, covariance, 4000, method="eigh")
    effects = np.abs(draws).sum(axis=1) / 2
    assert result.effect_low is not None
    assert result.effect_high is not None
    assert np.mean((effects >= result.effect_low) & (effects <= result.effect_high)) >= 0.95


def test_a_design_effect_counts_rows_that_resemble_each_other_once() -> None:
    plain = share_test(estimate(0.6, 0.4), REFERENCE, 5000)
    worn = share_test(estimate(0.6, 0.4), REFERENCE, 5000, design_effect=4.0)
    assert worn.p_value == pytest.approx(chi2.sf(1.0, 1))
    assert plain.effect_high is not None
    assert worn.effect_high is not None
    assert worn.effect_high - 0.1 == pytest.approx(2 * (plain.effect_high - 0.1))


def test_what_is_not_conclusive_has_no_p_value_but_a_note() -> None:
    result = share_test(nothing_known(2, 12, "inconclusive: no reason"), REFERENCE, 5000)
    assert (result.p_value, result.effect, result.effect_low) == (None, None, None)
    assert (result.note, result.n_current) == ("inconclusive: no reason", 12)
    doubtful = replace(estimate(0.6, 0.4), conclusive=False, note="inconclusive: doubt")
    assert share_test(doubtful, REFERENCE, 5000).p_value is None
    assert share_test(estimate(0.6, 0.4), REFERENCE, 0).note == "no label in the reference"


def test_another_number_of_classes_is_an_error_that_says_so() -> None:
    with pytest.raises(ValueError, match="2 classes"):
        share_test(estimate(0.6, 0.4), np.array([0.5, 0.3, 0.2]), 10)


@given(st.floats(0.0, 1.0), st.floats(1e-6, 1.0))
def test_an_interval_holds_its_share_and_the_plain_interval(share: float, error: float) -> None:
    low, high = interval(np.array([share]), np.array([error]))
    assert 0.0 <= low[0] <= share <= high[0] <= 1.0
    assert low[0] <= max(0.0, share - 1.95 * error)
    assert high[0] >= min(1.0, share + 1.95 * error)


def test_a_rare_share_has_more_room_above_than_below() -> None:
    low, high = interval(np.array([0.02]), np.array([0.006]))
    assert high[0] - 0.02 > 1.1 * 1.96 * 0.006
    assert 0.02 - low[0] == pytest.approx(1.96 * 0.006, rel=1e-4)
