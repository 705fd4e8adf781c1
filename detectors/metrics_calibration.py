"""How far scores are from the shares of positives that they promise."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from detectors.metrics import Measured, of_variance

FloatArray = NDArray[np.float64]


def calibration_error(labels: FloatArray, scores: FloatArray, rows: int) -> Measured | None:
    """The expected calibration error: the mean distance of score and share of positives over groups.

    ``labels``, shape (G, 2), are the rows of each group without and with the positive label,
    ``scores``, shape (G,), the sums of their scores. In few rows even a calibrated model's shares differ
    from its scores, which makes the plain sum [1]_ too large: what resampling would add
    to each distance, in its normal limit, is taken off once, as [2]_ does by simulation. Never
    below 0; in large samples the two agree. The standard error is that of the distances, each
    group's share being binomial.

    References
    ----------
    .. [1] Naeini, M. P., Cooper, G. F. and Hauskrecht, M. (2015), Obtaining well calibrated probabilities
       using Bayesian binning, AAAI 2015.
    .. [2] Kumar, A., Liang, P. and Ma, T. (2019), Verified uncertainty calibration, NeurIPS 2019.
    """
    n = labels.sum(axis=1)
    is_there = n > 0
    if not is_there.any():
        return None
    n, positives = n[is_there], labels[is_there, 1]
    distance = np.abs(positives - scores[is_there]) / n
    smoothed = (positives + 0.5) / (n + 1.0)  # a group without positives is not without error
    variance = smoothed * (1.0 - smoothed) / n
    weights = n / n.sum()
    plain = float(weights @ distance)
    value = max(0.0, 2.0 * plain - float(weights @ _mean_distance(distance, np.sqrt(variance))))
    return of_variance("calibration_error", value, float(weights**2 @ variance), rows, least=0.0, most=1.0)


def _mean_distance(distance: FloatArray, error: FloatArray) -> FloatArray:
    """The mean of the folded normal distribution: of |distance + error Z|."""
    ratio = distance / error
    spread = error * math.sqrt(2.0 / math.pi) * np.exp(-(ratio**2) / 2.0)
    mean: FloatArray = spread + distance * (1.0 - 2.0 * ndtr(-ratio))
    return mean
