from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import chi2_contingency

from detectors.prior import multinomial_covariance
from detectors.prior_bbse import bbse

GOOD = np.array([[900, 80, 20], [60, 400, 40], [10, 40, 250]])
WINDOW = np.array([500, 300, 200])


def padded(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.pad(counts, (0, 1))


def lipton(confusion: NDArray[np.int64], predicted: NDArray[np.int64]) -> NDArray[np.float64]:
    """Equation 2 of the paper as it is written: C w = q, shares = w times the reference's."""
    joint = confusion.T / confusion.sum()
    weights = np.linalg.solve(joint, predicted / predicted.sum())
    return np.asarray(weights * confusion.sum(axis=1) / confusion.sum())


def test_the_shares_solve_the_equation_of_the_paper() -> None:
    estimate = bbse(padded(GOOD), padded(WINDOW))
    assert estimate.shares == pytest.approx(lipton(GOOD, WINDOW))
    assert estimate.shares.sum() == pytest.approx(1.0)
    assert (estimate.conclusive, estimate.note, estimate.rows) == (True, "", 1000)


def test_the_reference_itself_has_the_shares_of_its_labels_and_nothing_to_test() -> None:
    estimate = bbse(padded(GOOD), padded(GOOD.sum(axis=0)))
    assert estimate.shares == pytest.approx(GOOD.sum(axis=1) / GOOD.sum())
    assert estimate.statistic == pytest.approx(0.0, abs=1e-9)


def test_the_statistic_is_the_likelihood_ratio_of_equal_predictions() -> None:
    table = np.stack([GOOD.sum(axis=0), WINDOW])
    oracle = chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
    assert bbse(padded(GOOD), padded(WINDOW)).statistic == pytest.approx(oracle)


def test_the_covariance_is_that_of_the_delta_method_by_numerical_derivatives() -> None:
    confusion, window = 100 * GOOD, 100 * WINDOW  # pseudo-rows no longer matter
    labels, step = confusion.sum(axis=1), 1e-6

    def solve(cells: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.linalg.solve(cells.T, q))

    cells, q = confusion / labels[:, None], window / window.sum()
    by_q = np.stack([(solve(cells, q + step * e) - solve(cells, q)) / step for e in np.eye(3)], axis=1)
    expected = by_q @ multinomial_covariance(q, window.sum()) @ by_q.T
    for label in range(3):
        bumps = []
        for prediction in range(3):
            moved = cells.copy()
            moved[label, prediction] += step
            bumps.append((solve(moved, q) - solve(cells, q)) / step)
        slope = np.stack(bumps, axis=1)
        expected += slope @ multinomial_covariance(cells[label], int(labels[label])) @ slope.T
    assert bbse(padded(confusion), padded(window)).covariance == pytest.approx(expected, rel=0.01, abs=1e-9)


def test_solutions_outside_are_clipped_and_the_others_divided_by_their_sum() -> None:
    few = np.array([70, 4, 1])
    solution = lipton(GOOD, few)
    assert solution.min() < 0.0
    expected = np.clip(solution, 0.0, None) / np.clip(solution, 0.0, None).sum()
    estimate = bbse(padded(GOOD), padded(few))
    assert estimate.shares == pytest.approx(expected)
    assert estimate.low[int(solution.argmin())] == 0.0


def test_predictions_that_no_shares_of_labels_give_are_inconclusive() -> None:
    impossible = bbse(padded(GOOD), padded(np.array([20, 30, 950])))
    assert not impossible.conclusive
    assert "more than the labels' shares moved" in impossible.note


def test_other_classes_are_left_out_and_counted() -> None:
    confusion, window = padded(GOOD), padded(WINDOW)
    confusion[3, :], confusion[:, 3], window[3] = 7, 9, 1234
    estimate = bbse(confusion, window)
    assert estimate.shares == pytest.approx(lipton(GOOD, WINDOW))
    assert (estimate.rows, estimate.note) == (
        1000,
        "1,234 rows that predict another class left out",
    )


def test_predictions_that_ignore_the_label_are_inconclusive() -> None:
    same = bbse(padded(np.array([[800, 200], [400, 100]])), padded(np.array([70, 30])))
    assert not same.conclusive
    assert same.condition is not None
    assert same.condition > 1e6 or math.isinf(same.condition)
    assert np.isnan(same.shares).all()
    assert "hardly depend on the labels" in same.note
    nearly = bbse(padded(np.array([[500_000, 480_000], [480_000, 500_000]])), padded(np.array([70, 30])))
    assert not nearly.conclusive
    assert nearly.condition == pytest.approx(49.0, rel=0.01)
    assert "condition number 49" in nearly.note


def test_a_class_that_is_never_predicted_is_inconclusive() -> None:
    never = bbse(padded(np.array([[900, 0], [100, 0]])), padded(np.array([1000, 0])))
    assert not never.conclusive
    assert never.condition is not None
    assert math.isinf(never.condition)


def test_too_few_labels_to_know_the_matrix_are_inconclusive() -> None:
    few = bbse(padded(np.array([[55, 45], [3, 5]])), padded(np.array([7000, 3000])))
    assert not few.conclusive
    assert "8 reference labels" in few.note


def test_an_interval_wider_than_half_is_inconclusive() -> None:
    wide = bbse(padded(np.array([[6000, 4000], [4000, 6000]])), padded(np.array([7, 6])))
    assert not wide.conclusive
    assert "only known to within" in wide.note
    assert bbse(padded(np.array([[6000, 4000], [4000, 6000]])), padded(np.array([700, 600]))).conclusive


def test_nothing_to_estimate_from_is_inconclusive() -> None:
    empty = bbse(padded(GOOD), np.array([0, 0, 0, 5]))
    assert (empty.conclusive, empty.rows) == (False, 0)
    assert empty.note == "no row with a known prediction; 5 rows that predict another class left out"
    no_label = GOOD.copy()
    no_label[1] = 0
    assert "no label of class 1" in bbse(padded(no_label), padded(WINDOW)).note


@pytest.mark.parametrize(
    ("confusion", "predicted"),
    [
        (np.zeros((3, 4), np.int64), np.zeros(3, np.int64)),
        (np.zeros((4, 4), np.int64), np.zeros(3, np.int64)),
        (np.ones((2, 2), np.int64), np.ones(2, np.int64)),
        (-np.ones((4, 4), np.int64), np.ones(4, np.int64)),
    ],
)
def test_what_does_not_belong_together_is_an_error(
    confusion: NDArray[np.int64], predicted: NDArray[np.int64]
) -> None:
    with pytest.raises(ValueError, match=r"do not belong together|a count of -1"):
        bbse(confusion, predicted)


TABLES = st.integers(2, 5).flatmap(
    lambda k: st.tuples(
        st.lists(st.integers(0, 10_000), min_size=(k + 1) ** 2, max_size=(k + 1) ** 2),
        st.lists(st.integers(0, 10_000), min_size=k + 1, max_size=k + 1),
    )
)


@given(TABLES)
def test_any_counts_give_shares_in_their_intervals_or_a_note(tables: tuple[list[int], list[int]]) -> None:
    size = len(tables[1])
    estimate = bbse(np.array(tables[0]).reshape(size, size), np.array(tables[1]))
    assert estimate.conclusive or estimate.note
    if estimate.conclusive:
        assert estimate.shares.sum() == pytest.approx(1.0)
        assert np.isfinite(estimate.covariance).all()
        assert np.isfinite(estimate.statistic)
        assert (estimate.low <= estimate.high).all()
