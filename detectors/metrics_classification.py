"""All metrics of a classification, counted or expected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.labelled import Labelled
from detectors.metrics import Measured, of_mean
from detectors.metrics_calibration import calibration_error
from detectors.metrics_classes import Variance, accuracy, macro, no_variance, of_class
from detectors.metrics_ranking import area, mean_area, measured_area
from detectors.outputs import Task
from detectors.performance_layout import PerformanceLayout
from detectors.performance_sums import LOSS_UNITS, SHARE_UNITS

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """What the metrics are computed from, in rows: whole numbers when counted, fractions when expected.

    ``confusion`` and ``cells`` as in `Labelled`; ``losses`` are the four sums of `Labelled.score_losses`.
    ``confusion_variance`` and ``cell_variance`` give the further variance of a metric by
    its derivative, in the cells of the matrix and in those of one curve (with its first and last cell).
    """

    rows: int
    scored_rows: int
    confusion: FloatArray
    cells: FloatArray
    losses: FloatArray
    confusion_variance: Variance = no_variance
    cell_variance: Callable[[FloatArray, slice], float] = lambda _slope, _cells: 0.0


def counted(layout: PerformanceLayout, labelled: Labelled) -> Totals:
    """The totals of rows whose labels are known."""
    scored_rows = int(labelled.cells[:, : layout.starts[1]].sum()) if layout.points else 0
    return Totals(
        labelled.rows,
        scored_rows,
        labelled.confusion.astype(np.float64),
        labelled.cells.astype(np.float64),
        labelled.score_losses / LOSS_UNITS,
    )


def realised_classification(layout: PerformanceLayout, labelled: Labelled) -> Iterator[Measured]:
    """The metrics of labelled rows; those that the rows do not define are left out."""
    totals = counted(layout, labelled)
    yield from measure(layout, totals)
    if layout.points and layout.outputs.task is Task.BINARY:
        scores = labelled.group_scores / SHARE_UNITS
        labels = labelled.group_labels.astype(np.float64)
        found = calibration_error(labels, scores, totals.scored_rows)
        if found is not None:
            yield found


def measure(layout: PerformanceLayout, totals: Totals) -> Iterator[Measured]:
    """The metrics of these totals; those that they do not define are left out."""
    confusion, rows, extra = totals.confusion, totals.rows, totals.confusion_variance
    is_binary = layout.outputs.task is Task.BINARY
    whole = accuracy(confusion, rows, extra)
    if whole is None:
        return
    yield whole
    yield from of_class(confusion, 1, "", rows, extra) if is_binary else macro(confusion, rows, extra)
    if totals.scored_rows:
        yield from _of_scores(layout, totals)
    if not is_binary:
        for at, name in enumerate(layout.outputs.classes):
            yield from of_class(confusion, at, f"[{name}]", rows, extra)


def _of_scores(layout: PerformanceLayout, totals: Totals) -> Iterator[Measured]:
    rows = totals.scored_rows
    areas = []
    for start, end in zip(layout.starts[:-1], layout.starts[1:], strict=True):
        cells = slice(start, end)
        found = area(*totals.cells[:, cells])
        if found is not None:
            extra = totals.cell_variance(found.slope, cells)
            areas.append(measured_area("roc_auc", found, rows, extra))
    is_binary = layout.outputs.task is Task.BINARY
    yield from areas if is_binary else filter(None, [mean_area("roc_auc_macro", areas, rows)])
    means = totals.losses / rows
    for name, at in (("log_loss", 0), ("brier", 2)):
        found_mean = of_mean(name, float(means[at]), float(means[at + 1]), rows, least=0.0)
        if found_mean is not None:
            yield found_mean
