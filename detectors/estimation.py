"""Performance without labels: confidence-based performance estimation (CBPE)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from detectors.metrics import Measured
from detectors.metrics_classes import Variance
from detectors.metrics_classification import Totals, measure
from detectors.performance_layout import PerformanceLayout
from detectors.performance_sums import LOSS_UNITS, SHARE_UNITS
from detectors.scored import Scored

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def estimated_classification(
    layout: PerformanceLayout, scored: Scored, reference: Scored
) -> Iterator[Measured]:
    """The metrics to expect of these rows if the calibrated scores are still right.

    Each row counts as a positive with its calibrated probability and as a negative with the rest [1]_: the
    expected confusion matrix, and the expected positives at each score. That
    assumes no concept shift; covariate shift is accounted for. The
    intervals hold two errors: that of a sample of so many rows, labels included, and that of
    the calibration, which is taken as the share of labels in each group of the
    ``reference`` rows. Of log loss and Brier score they hold the first one alone.

    References
    ----------
    .. [1] Bialek, J., Kivimaki, J., Kuberski, W. and Perrakis, N. (2024), Estimating model performance
       under covariate shift without labels, arXiv:2401.08348, which describes it as the method to improve on.
    """
    if not layout.points or not scored.n.any():
        return
    yield from measure(layout, expected(layout, scored, reference))


def expected(
    layout: PerformanceLayout, scored: Scored, reference: Scored, *, with_labels: bool = False
) -> Totals:
    """The expected totals of rows without labels.

    The further variances are those of the calibration, ``with_labels`` also those of the labels at given
    scores: together that of what these same rows' labels will show, less what is expected.
    """
    rows = int(scored.n.sum())
    mass = scored.posterior / SHARE_UNITS  # predicted class, group, class
    confusion = np.zeros((layout.places, layout.places))
    confusion[:-1] = mass.sum(axis=1).T
    own = np.minimum(scored.cell_posterior / SHARE_UNITS, scored.cell_rows)
    return Totals(
        rows,
        rows,
        confusion,
        np.stack((scored.cell_rows - own, own)),
        scored.losses / LOSS_UNITS,
        _confusion_variance(_weights(scored.n, reference.n, with_labels), scored.n, mass),
        _cell_variance(_weights(scored.cell_rows, reference.cell_rows, with_labels), scored.cell_rows, own),
    )


def _weights(n: IntArray, reference: IntArray, with_labels: bool) -> FloatArray:
    """How many times the variance of one label counts.

    The calibration is off by the same for all rows of a group: it is taken as the mean of
    the labels of as many rows as the reference had there.
    """
    of_calibration = n.astype(np.float64) ** 2 / np.maximum(reference, 1)
    return of_calibration + n if with_labels else of_calibration


def _confusion_variance(weights: FloatArray, n: IntArray, mass: FloatArray) -> Variance:
    shares = np.divide(mass, n[:, :, None], out=np.zeros_like(mass), where=n[:, :, None] > 0)

    def variance(slope: FloatArray) -> float:
        by_prediction = slope[:-1].T[:, None, :]  # predicted class, (group), class
        mean = (shares * by_prediction).sum(axis=2)
        mean_square = (shares * by_prediction**2).sum(axis=2)
        return float((weights * np.maximum(0.0, mean_square - mean**2)).sum())

    return variance


def _cell_variance(weights: FloatArray, n: IntArray, own: FloatArray) -> Callable[[FloatArray, slice], float]:
    share = np.divide(own, n, out=np.zeros_like(own), where=n > 0)
    by_cell = weights * share * (1.0 - share)
    return lambda slope, cells: float(by_cell[cells] @ slope**2)
