"""The area under the ROC curve from binned scores."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detectors.metrics import Measured, Z, wilson

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """The area, its sampling variance, how far binning can move it, and the masses it was made of.

    ``slope`` is the area's derivative by each cell's positive mass, where what becomes
    positive stops being negative.
    """

    value: float
    variance: float
    bound: float
    positives: float
    negatives: float
    slope: FloatArray


def area(negative: FloatArray, positive: FloatArray) -> Area | None:
    """The area under the ROC curve: P(score of a positive > of a negative) + P(equal) / 2.

    ``negative`` and ``positive`` are the rows, or their expected number, in the cells of one
    curve by rising score. Pairs in one cell count as equal: true for the cells on a
    point (odd positions), unknown between two points, hence ``bound``. The variance is
    DeLong's [1]_ for the binned scores. None when there is less than one row of either kind.

    References
    ----------
    .. [1] DeLong, E. R., DeLong, D. M. and Clarke-Pearson, D. L. (1988), Comparing the areas under
       two or more correlated receiver operating characteristic curves, Biometrics 44.
    """
    negatives, positives = float(negative.sum()), float(positive.sum())
    if negatives < 1.0 or positives < 1.0:
        return None
    below = (
        np.cumsum(negative) - negative / 2.0
    ) / negatives  # share of the negatives that a positive here beats
    above = (
        1.0 - (np.cumsum(positive) - positive / 2.0) / positives
    )  # share of the positives that beat a negative
    value = min(1.0, max(0.0, float(positive @ below) / positives))
    of_positives = float(positive @ (below - value) ** 2) / max(1.0, positives - 1.0)
    of_negatives = float(negative @ (above - value) ** 2) / max(1.0, negatives - 1.0)
    variance = of_positives / positives + of_negatives / negatives
    between = slice(0, None, 2)
    bound = float(negative[between] @ positive[between]) / (2.0 * negatives * positives)
    slope = (below - value) / positives - (above - value) / negatives
    return Area(value, variance, bound, positives, negatives, slope)


def measured_area(metric: str, found: Area, rows: int, extra_variance: float = 0.0) -> Measured:
    """The area with its interval on the logit scale [1]_; Wilson's for the rarer class without variance.

    References
    ----------
    .. [1] Pepe, M. S. (2003), The Statistical Evaluation of Medical Tests for Classification and
       Prediction, section 5.2.4.
    """
    value, variance = found.value, found.variance + extra_variance
    room = value * (1.0 - value)
    if variance <= 0.0 or room <= 0.0:
        fewer = min(found.positives, found.negatives)
        low, high = wilson(value * fewer, fewer)
        error = max((high - low) / (2.0 * Z), math.sqrt(max(0.0, variance)))
        return Measured(metric, value, low, high, error, rows, found.bound)
    error = math.sqrt(variance)
    odds, step = math.log(value / (1.0 - value)), Z * error / room
    low, high = (1.0 / (1.0 + math.exp(-min(700.0, max(-700.0, odds + sign * step)))) for sign in (-1.0, 1.0))
    return Measured(metric, value, low, high, error, rows, found.bound)


def mean_area(metric: str, parts: list[Measured], rows: int) -> Measured | None:
    """The unweighted mean of the classes' areas.

    Their errors depend on each other in ways the cells do not show, so they are added up as though
    they always went the same way: the interval is too wide rather than too narrow.
    """
    if not parts:
        return None
    size = len(parts)
    value, error, bound = (
        sum(numbers) / size
        for numbers in zip(*((part.value, part.standard_error, part.bound) for part in parts), strict=True)
    )
    low, high = max(0.0, value - Z * error), min(1.0, value + Z * error)
    whole = Measured(metric, value, low, high, error, rows, bound)
    return replace(whole, note="interval from the mean of the classes' standard errors")
