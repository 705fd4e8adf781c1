"""Black box shift estimation: the labels' shares from the predictions' shares."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from detectors.prior import (
    Matrix,
    ShareEstimate,
    Shares,
    interval,
    multinomial_covariance,
    nothing_known,
    sentences,
    standard_errors,
    too_wide,
)

Counted = NDArray[np.int64]

MAX_CONDITION = 20.0
MIN_SIGNAL = 3.0  # noise levels that the smallest singular value has to stand out
OUTSIDE = 4.0  # standard errors outside of 0 to 1 that chance does not explain
LABEL_PSEUDO_ROWS = 0.5  # added to each cell of a label's predictions, in variances only
WINDOW_PSEUDO_ROWS = 2.0  # added to each prediction of the window, in variances only


def bbse(confusion: Counted, predicted: Counted) -> ShareEstimate:
    r"""Estimate the labels' shares in a window without labels [1]_.

    Solves ``C w = q``, C the reference's joint shares of prediction and label, q
    the window's shares of predictions; the labels' shares are w times the
    reference's. Written with P(prediction given label) = A, that is ``A shares = q``.
    Shares below 0 or above 1 are then clipped, and all divided by their sum.

    Intervals are the delta method's for the solution before clipping: with m rows in
    the window and ``n_k`` labels of class k, ``A^-1 (Cov(q) + sum_k shares_k^2
    Cov(A_k)) A^-T``, both covariances multinomial. Pseudo-rows in these two
    covariances keep a cell that nobody fell into from claiming to be certain.

    The test statistic is the likelihood ratio's of equal shares of predictions in
    window and reference: ``A`` takes it to the labels one to one, so nothing is
    gained or lost against testing the predictions, but the interpretation.

    Assumes label shift (P(X given Y) unchanged): if concept or inputs moved as
    well the answer is wrong, and seldom visibly.

    Parameters
    ----------
    confusion
        Shape (K + 1, K + 1), labels times predictions of the reference, counted;
        the last row and column are another class than the K known.
    predicted
        Shape (K + 1,), the window's predictions, counted. Other classes are
        left out of all shares; the note says how many rows of the window that were.

    Returns
    -------
    ShareEstimate
        Not conclusive, with a note, when

        - a class has no label in the reference, or the window no row;
        - the condition number of A is above `MAX_CONDITION`: then P(prediction given
          label) moving by 1 point, which no interval covers, moves the shares by up to 20;
        - A's smallest singular value is less than `MIN_SIGNAL` times A's own error
          (Frobenius): below, the delta method's intervals are too short;
        - an interval is wider than 0.5 both ways;
        - a solution is `OUTSIDE` standard errors outside of 0 to 1: no shares of
          labels give these predictions, so more than the labels moved.

    Raises
    ------
    ValueError
        If the shapes do not agree, or a count is negative.

    References
    ----------
    .. [1] Lipton, Z. C., Wang, Y.-X. and Smola, A. (2018), Detecting and
       correcting for label shift with black box predictors, ICML, equation 2.

    Examples
    --------
    >>> reference = np.array([[900, 30, 0], [20, 50, 0], [0, 0, 0]])
    >>> estimate = bbse(reference, np.array([820, 180, 0]))
    >>> estimate.shares.round(3).tolist()
    [0.783, 0.217]
    """
    classes = _checked(confusion, predicted)
    known, window = confusion[:classes, :classes], predicted[:classes]
    rows, labels = int(window.sum()), known.sum(axis=1)
    left_out = _left_out(int(predicted[classes]))
    if rows == 0 or not labels.all():
        note = "no row with a known prediction" if rows == 0 else _missing(labels)
        return nothing_known(classes, rows, sentences([note, left_out]))
    given = (known / labels[:, None]).T  # A: predictions times labels
    singular = np.linalg.svd(given, compute_uv=False)
    condition = math.inf if singular[-1] < np.finfo(float).eps else float(singular[0] / singular[-1])
    weak = _too_weak(condition, float(singular[-1]), known, labels)
    if condition > MAX_CONDITION:
        return nothing_known(classes, rows, sentences([weak, left_out]), condition)
    solution, covariance = _solve(given, known, labels, window)
    errors = standard_errors(covariance)
    low, high = interval(solution, errors)
    shares = np.clip(solution, 0.0, 1.0)
    doubts = [weak or too_wide(errors) or _impossible(solution, errors)]
    return ShareEstimate(
        shares=shares / shares.sum(),
        low=low,
        high=high,
        covariance=covariance,
        statistic=_likelihood_ratio(known.sum(axis=0), window),
        condition=condition,
        conclusive=not any(doubts),
        note=sentences([*doubts, left_out]),
        rows=rows,
    )


def _checked(confusion: Counted, predicted: Counted) -> int:
    """The number of known classes."""
    size = len(confusion)
    if confusion.shape != (size, size) or predicted.shape != (size,) or size < 3:  # noqa: PLR2004
        raise ValueError(
            f"a confusion matrix of shape {confusion.shape} and predictions of shape {predicted.shape} do "
            "not belong together: give (K + 1, K + 1) and (K + 1,), the last for other classes, K at least 2"
        )
    lowest = min(int(confusion.min()), int(predicted.min()))
    if lowest < 0:
        raise ValueError(f"a count of {lowest} among labels and predictions: counts are 0 or more")
    return size - 1


def _solve(given: Matrix, known: Counted, labels: Counted, window: Counted) -> tuple[Shares, Matrix]:
    """The solution before clipping and its covariance."""
    classes, rows = len(labels), int(window.sum())
    inverse = np.linalg.inv(given)
    solution: Shares = inverse @ (window / rows)
    smooth = (window + WINDOW_PSEUDO_ROWS) / (rows + classes * WINDOW_PSEUDO_ROWS)
    noise = multinomial_covariance(smooth, rows)
    for label, cells in enumerate(_smoothed(known, labels)):
        weight = float(np.clip(solution[label], 0.0, 1.0)) ** 2
        noise += weight * multinomial_covariance(cells, int(labels[label]))
    return solution, inverse @ noise @ inverse.T


def _smoothed(known: Counted, labels: Counted) -> Matrix:
    """P(prediction given label), labels times predictions, with pseudo-rows."""
    cells: Matrix = (known + LABEL_PSEUDO_ROWS) / (labels + len(labels) * LABEL_PSEUDO_ROWS)[:, None]
    return cells


def _too_weak(condition: float, smallest: float, known: Counted, labels: Counted) -> str:
    """Why predictions say too little about labels, or an empty text."""
    if condition > MAX_CONDITION:
        number = "infinite" if math.isinf(condition) else f"{condition:.0f}"
        return (
            "inconclusive: the predictions hardly depend on the labels "
            f"(condition number {number}, at most {MAX_CONDITION:.0f} is used)"
        )
    cells = _smoothed(known, labels)
    noise = math.sqrt(float((cells * (1.0 - cells) / labels[:, None]).sum()))
    if smallest < MIN_SIGNAL * noise:
        return (
            f"inconclusive: {int(labels.min())} reference labels of the rarest class are too few to know "
            "how predictions depend on labels"
        )
    return ""


def _impossible(solution: Shares, errors: Shares) -> str:
    beyond = np.maximum(-solution, solution - 1.0)
    if not (beyond > OUTSIDE * errors).any():
        return ""
    return "inconclusive: no shares of labels give these predictions, so more than the labels' shares moved"


def _likelihood_ratio(reference: Counted, window: Counted) -> float:
    """``G = 2 sum O ln(O / E)`` of the two rows of predictions (Wilks)."""
    table = np.stack([reference, window]).astype(np.float64)
    table = table[:, table.any(axis=0)]
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return max(0.0, 2.0 * float(xlogy(table, table / expected).sum()))


def _missing(labels: Counted) -> str:
    absent = [str(at) for at in np.flatnonzero(labels == 0)]
    return f"inconclusive: no label of class {', '.join(absent)} (counted from 0) in the reference"


def _left_out(rows: int) -> str:
    if rows == 0:
        return ""
    return f"{rows:,} {'row that predicts' if rows == 1 else 'rows that predict'} another class left out"
