"""Losses of single rows' scores: the logarithmic one and Brier's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

LEAST = float(np.finfo(np.float64).eps)
"""A score of the true class below this counts as this: a log loss is at most 36.05."""


def realised_losses(scores: FloatArray, labels: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
    """The log loss and the Brier score of each row, for its true class.

    ``scores`` has one column (of the positive class) or one per class. The Brier
    score of one column is (label - score)², that of several the sum of the squares
    over all classes (Brier 1950), from 0 to 2.
    """
    if scores.shape[1] == 1:
        score = np.ascontiguousarray(scores[:, 0])
        of_truth = np.where(labels == 1, score, 1.0 - score)
        return _log_loss(of_truth), (1.0 - of_truth) ** 2
    of_truth = scores[np.arange(len(scores)), labels]
    return _log_loss(of_truth), (scores**2).sum(axis=1) - 2.0 * of_truth + 1.0


def expected_losses(scores: FloatArray, posterior: FloatArray) -> tuple[FloatArray, ...]:
    """Each row's expected log loss and its expected square, expected Brier score and its expected square.

    The scores are what the model said, the posterior is how likely each class is.
    """
    if scores.shape[1] == 1:
        score = np.ascontiguousarray(scores[:, 0])
        by_class = [(_log_loss(of_truth), (1.0 - of_truth) ** 2) for of_truth in (1.0 - score, score)]
    else:
        squares = (scores**2).sum(axis=1)
        columns = [np.ascontiguousarray(scores[:, at]) for at in range(scores.shape[1])]
        by_class = [(_log_loss(column), squares - 2.0 * column + 1.0) for column in columns]
    sums = [np.zeros(len(scores)) for _ in range(4)]
    for at, (log_loss, brier) in enumerate(by_class):
        weight = posterior[:, at]
        for place, value in enumerate((log_loss, log_loss**2, brier, brier**2)):
            sums[place] += weight * value
    return tuple(sums)


def _log_loss(of_truth: FloatArray) -> FloatArray:
    losses: FloatArray = -np.log(np.maximum(of_truth, LEAST))
    return losses
