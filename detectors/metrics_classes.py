"""Metrics of a confusion matrix: accuracy, and precision, recall and F1 of a class or of all."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from detectors.metrics import Measured, of_interval, of_variance, wilson

FloatArray = NDArray[np.float64]
Variance = Callable[[FloatArray], float]
"""The further variance of a metric, given its derivative by each cell of the confusion matrix."""


HALF_A_ROW = 0.5  # less than that is expected of a class that will not be there


def no_variance(_slope: FloatArray) -> float:
    """For matrices that are counted, not estimated."""
    return 0.0


def accuracy(confusion: FloatArray, rows: int, extra: Variance = no_variance) -> Measured | None:
    """The share of right predictions. Another class is never right: whether it is the same one is not known.

    ``confusion`` has labels along the first axis, another class last; its cells may be expected numbers.
    """
    trials = float(confusion.sum())
    if trials <= 0.0:
        return None
    right = np.eye(len(confusion))
    right[-1, -1] = 0.0
    successes = float((right * confusion).sum())
    value = successes / trials
    return of_interval("accuracy", value, wilson(successes, trials), rows, extra((right - value) / trials))


def of_class(
    confusion: FloatArray, at: int, suffix: str, rows: int, extra: Variance = no_variance
) -> Iterator[Measured]:
    """Precision, recall and F1 of one class; those of less than one row are left out.

    Precision and recall are shares with Wilson's interval. F1 is 2 J / (1 + J) with J the
    share of true positives among all rows that are labelled or predicted so (Jaccard's
    index): Wilson's interval of J is carried over, and agrees with the delta method in large samples.
    """
    hits, labels, predictions = (
        float(confusion[at, at]),
        float(confusion[at].sum()),
        float(confusion[:, at].sum()),
    )
    ratios = (
        ("precision", hits, predictions),
        ("recall", hits, labels),
        ("f1", 2.0 * hits, labels + predictions),
    )
    for name, above, below in ratios:
        if below < 1.0:
            continue
        value = above / below
        slope = _slope(name, len(confusion), at, value, below)
        interval = wilson(hits, below) if name != "f1" else _f1_interval(hits, below - hits)
        yield of_interval(name + suffix, value, interval, rows, extra(slope))


def _f1_interval(hits: float, either: float) -> tuple[float, float]:
    low, high = wilson(hits, either)
    return 2.0 * low / (1.0 + low), 2.0 * high / (1.0 + high)


def _slope(name: str, size: int, at: int, value: float, below: float) -> FloatArray:
    """The derivative of above / below by each cell, both being sums of cells."""
    slope = np.zeros((size, size))
    if name != "recall":
        slope[:, at] -= value
    if name != "precision":
        slope[at] -= value
    slope[at, at] += 2.0 if name == "f1" else 1.0
    slope /= below
    return slope


def macro(confusion: FloatArray, rows: int, extra: Variance = no_variance) -> Iterator[Measured]:
    """The unweighted means of the classes' precision, recall and F1, with intervals by the delta method.

    As in scikit-learn, the mean is over the classes that are among the labels or the
    predictions, and a precision or recall without a row is 0. The variance is that
    of a smooth function of multinomial counts (Agresti, Categorical Data Analysis, 3rd ed., 2013,
    section 16.1).
    """
    classes = len(confusion) - 1
    hits = np.diag(confusion)[:classes]
    labels, predictions = confusion.sum(axis=1)[:classes], confusion.sum(axis=0)[:classes]
    is_there = labels + predictions >= HALF_A_ROW
    if not is_there.any():
        return
    size = int(is_there.sum())
    for name, above, by_label, by_prediction in (
        ("precision", hits, 0.0, 1.0),
        ("recall", hits, 1.0, 0.0),
        ("f1", 2.0 * hits, 1.0, 1.0),
    ):
        below = by_label * labels + by_prediction * predictions
        inverse = np.divide(1.0, below, out=np.zeros(classes), where=below > 0.0)
        values = above * inverse
        slope = np.zeros_like(confusion)
        slope[:classes] -= by_label * (values * inverse)[:, None]
        slope[:, :classes] -= by_prediction * (values * inverse)[None, :]
        slope[np.arange(classes), np.arange(classes)] += (2.0 if name == "f1" else 1.0) * inverse
        slope /= size
        variance = float((confusion * slope**2).sum()) + extra(slope)
        yield of_variance(f"{name}_macro", float(values.sum()) / size, variance, rows, least=0.0, most=1.0)
