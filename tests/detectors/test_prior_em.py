from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from detectors.prior_bbse import bbse
from detectors.prior_em import em

GROUPS = np.array([[0.95, 0.05], [0.7, 0.3], [0.2, 0.8]])
ROWS = np.array([300, 150, 120])
PRIOR = np.array([0.8, 0.2])


def log_likelihood(share: float) -> float:
    mixture = GROUPS / PRIOR @ np.array([1.0 - share, share])
    return float(ROWS @ np.log(mixture))


def saerens(posterior: NDArray[np.float64], prior: NDArray[np.float64], rounds: int) -> NDArray[np.float64]:
    """Equations 2.9 and 2.10, row by row."""
    shares = prior.copy()
    for _ in range(rounds):
        total = np.zeros(len(prior))
        for row in posterior:
            weighed = shares / prior * row
            total += weighed / weighed.sum()
        shares = total / len(posterior)
    return shares


def test_groups_give_what_the_paper_gives_row_by_row() -> None:
    expected = saerens(np.repeat(GROUPS, ROWS, axis=0), PRIOR, 200)
    assert em(ROWS, GROUPS, PRIOR).shares == pytest.approx(expected, abs=1e-6)


def test_the_shares_have_the_highest_likelihood() -> None:
    best = minimize_scalar(
        lambda share: -log_likelihood(share), bounds=(0, 1), method="bounded", options={"xatol": 1e-9}
    )
    assert em(ROWS, GROUPS, PRIOR).shares[1] == pytest.approx(best.x, abs=1e-5)


def test_the_error_is_from_the_curvature_of_the_likelihood() -> None:
    estimate, step = em(ROWS, GROUPS, PRIOR), 1e-4
    share = float(estimate.shares[1])
    around = [log_likelihood(share + move) for move in (-step, 0.0, step)]
    curvature = (around[0] - 2 * around[1] + around[2]) / step**2
    assert estimate.covariance[1, 1] == pytest.approx(-1 / curvature, rel=1e-3)
    assert estimate.covariance.sum(axis=1) == pytest.approx([0.0, 0.0], abs=1e-12)


def test_the_statistic_is_the_likelihood_ratio_less_what_the_reference_does_not_know() -> None:
    estimate = em(ROWS, GROUPS, PRIOR)
    gain = 2 * (log_likelihood(float(estimate.shares[1])) - log_likelihood(0.2))
    assert estimate.statistic == pytest.approx(gain, rel=1e-6)
    assert em(ROWS, GROUPS, PRIOR, 570).statistic == pytest.approx(gain / 2, rel=1e-6)


def test_with_two_groups_it_agrees_with_the_solution_from_the_confusion_matrix() -> None:
    confusion = np.array([[900, 60, 0], [40, 200, 0], [0, 0, 0]])
    window = np.array([650, 350, 0])
    posterior = (confusion[:2, :2] / confusion[:2, :2].sum(axis=0)).T
    shares = confusion[:2, :2].sum(axis=1) / confusion.sum()
    solved, found = bbse(confusion, window), em(window[:2], posterior, shares, int(confusion.sum()))
    assert found.shares == pytest.approx(solved.shares, abs=1e-5)
    assert found.covariance == pytest.approx(solved.covariance, rel=0.03)


def test_posteriors_from_few_labels_widen_the_interval() -> None:
    exact, few = em(ROWS, GROUPS, PRIOR), em(ROWS, GROUPS, PRIOR, 200)
    assert few.shares == pytest.approx(exact.shares)
    assert few.covariance[1, 1] > 2 * exact.covariance[1, 1]


def test_a_share_of_nothing_stays_on_the_edge() -> None:
    estimate = em(np.array([1000, 0, 0]), GROUPS, PRIOR)
    assert estimate.shares[1] == pytest.approx(0.0, abs=1e-4)
    assert estimate.low[1] == 0.0
    assert estimate.high[1] < 0.25


def test_scores_that_ignore_the_label_are_inconclusive() -> None:
    flat = em(np.array([500, 500]), np.array([[0.8, 0.2], [0.8, 0.2]]), PRIOR)
    assert not flat.conclusive
    assert np.isnan(flat.shares).all()
    assert "do not depend on the label" in flat.note
    weak = em(np.array([500, 500]), np.array([[0.81, 0.19], [0.79, 0.21]]), PRIOR)
    assert not weak.conclusive
    assert "only known to within 99 points" in weak.note


def test_two_classes_that_look_the_same_are_inconclusive() -> None:
    posterior = np.array([[0.8, 0.1, 0.1], [0.2, 0.4, 0.4]])
    assert not em(np.array([700, 300]), posterior, np.array([0.6, 0.2, 0.2])).conclusive


def test_groups_without_a_usable_score_are_left_out_and_counted() -> None:
    odd = np.array([[np.nan, 0.5], [np.inf, 0.0], [0.0, 0.0], [-0.5, 1.5]])
    estimate = em(np.concatenate([ROWS, [1, 2, 3, 4]]), np.concatenate([GROUPS, odd]), PRIOR)
    assert estimate.shares == pytest.approx(em(ROWS, GROUPS, PRIOR).shares)
    assert (estimate.rows, estimate.note) == (570, "10 rows without a usable score left out")


def test_posteriors_need_not_add_up_to_one() -> None:
    assert em(ROWS, 3 * GROUPS, PRIOR).shares == pytest.approx(em(ROWS, GROUPS, PRIOR).shares)


def test_nothing_to_estimate_from_is_inconclusive() -> None:
    assert em(np.zeros(3, np.int64), GROUPS, PRIOR).note == "no row with a usable score"
    assert "no label of class 1" in em(ROWS, GROUPS, np.array([1.0, 0.0])).note


@pytest.mark.parametrize(
    ("n", "posterior", "shares"),
    [
        (ROWS[:2], GROUPS, PRIOR),
        (ROWS, GROUPS, np.array([0.5, 0.3, 0.2])),
        (ROWS, GROUPS[:, :1], np.array([1.0])),
        (-ROWS, GROUPS, PRIOR),
        (ROWS, GROUPS, np.array([np.nan, 0.5])),
    ],
)
def test_what_does_not_belong_together_is_an_error(
    n: NDArray[np.int64], posterior: NDArray[np.float64], shares: NDArray[np.float64]
) -> None:
    with pytest.raises(ValueError, match=r"do not belong together|give 0 or more"):
        em(n, posterior, shares)


SCORED = st.lists(
    st.tuples(st.integers(0, 1000), st.floats(0.0, 1.0), st.floats(0.0, 1.0)), min_size=1, max_size=8
)


@given(SCORED, st.floats(0.01, 0.98))
def test_any_scores_give_shares_in_their_intervals_or_a_note(
    groups: list[tuple[int, float, float]], first: float
) -> None:
    n = np.array([rows for rows, _, _ in groups])
    posterior = np.array([[one, (1 - one) * part, (1 - one) * (1 - part)] for _, one, part in groups])
    shares = np.array([first, (1 - first) / 2, (1 - first) / 2])
    estimate = em(n, posterior, shares, 1000)
    assert estimate.conclusive or estimate.note
    if estimate.conclusive:
        assert estimate.shares.sum() == pytest.approx(1.0)
        assert np.isfinite(estimate.covariance).all()
        assert ((estimate.low <= estimate.shares + 1e-9) & (estimate.shares <= estimate.high + 1e-9)).all()
