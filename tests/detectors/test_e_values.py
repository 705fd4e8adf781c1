"""How sums overshoot thresholds, and what skew scores are worth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, norm

from detectors.counts_numeric import NumericCounts
from detectors.e_values import jumps, log_e_values, overshoot
from detectors.scores import Scores, scores_of


def of_two_values(share: float) -> Scores:
    found = scores_of(
        NumericCounts(np.array([1_000 - int(1_000 * share), int(1_000 * share)]), np.zeros(3, int))
    )
    assert found is not None
    return found


def evidence(scores: Scores, ones: int, rows: int, others: float, step: float = 0.0) -> float:
    """Of so many ones among some rows, against rows as the reference's."""
    window = scores.sums(NumericCounts(np.array([rows - ones, ones]), np.zeros(3, int)))
    levels = np.array([float(rows)]), window[None], np.array([others]), np.zeros((1, scores.width))
    return float(log_e_values(scores, *levels, step)[0])


@pytest.mark.parametrize("drift", [0.1, 0.5, 1.0, 3.0, 9.0])
def test_the_overshoot_is_siegmunds(drift: float) -> None:
    terms = np.arange(1, 200_000)
    exact = 2.0 / drift**2 * np.exp(-2.0 * (norm.cdf(-drift * np.sqrt(terms) / 2.0) / terms).sum())
    assert overshoot(np.array(drift)) == pytest.approx(exact, rel=0.05)


def test_without_steps_nothing_overshoots_and_longer_steps_overshoot_more() -> None:
    assert jumps(0.0) == pytest.approx(np.ones(6))
    several = jumps(np.array([10.0, 100.0, 1_000.0]))
    assert several.shape == (3, 6)
    assert (np.diff(several, axis=0) < 0.0).all()


def test_evidence_counts_more_the_longer_the_steps_are() -> None:
    scores = of_two_values(0.3)
    found = [evidence(scores, 350, 1_000, 1e6, step) for step in (0.0, 100.0, 1_000.0)]
    assert found == sorted(found)
    assert 0.5 < found[2] - found[0] < 3.0


@pytest.mark.parametrize("share", [0.08, 0.3, 0.5])
@pytest.mark.parametrize("rows", [100, 400])
def test_up_to_a_threshold_the_expectation_of_an_e_value_is_about_one_at_most(
    share: float, rows: int
) -> None:
    """Of skew scores it would otherwise be far above: their long tail is likelier than a normal one."""
    scores = of_two_values(share)
    ones = np.arange(rows + 1)
    values = np.array([evidence(scores, int(k), rows, 1e9) for k in ones])
    assert binom.pmf(ones, rows, share) @ np.exp(np.minimum(values, np.log(50_000.0))) <= 1.15


def test_more_of_the_rare_value_is_less_evidence_than_as_much_of_the_frequent_one() -> None:
    scores = of_two_values(0.1)
    assert evidence(scores, 150, 1_000, 1e6) < evidence(scores, 50, 1_000, 1e6)
