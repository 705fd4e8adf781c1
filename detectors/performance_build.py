"""A performance reference from the rows that a model was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Columns
from detectors.grid import Grid
from detectors.labelled import Labelled, sum_labelled
from detectors.loss_model import LossModel, fit_loss_model
from detectors.metrics import Measured
from detectors.outputs import OutputRows, Outputs, label_values, output_rows
from detectors.performance_errors import errors_of
from detectors.performance_layout import PerformanceLayout, lay_out
from detectors.performance_metrics import realised_metrics
from detectors.performance_reference import PerformanceReference, ReferenceMetric
from detectors.scored import summarise_scored

MAX_REPLAYED = 200  # windows, evenly spread over the reference; more would cost time and change little

FloatArray = NDArray[np.float64]


def build_performance(
    outputs: Outputs,
    columns: Columns,
    times_ms: NDArray[np.int64] | None = None,
    window_ms: int | None = None,
    grids: Mapping[str, Grid] | None = None,
) -> PerformanceReference:
    """The calibration, the sums and the realised metrics of the reference's rows.

    With the rows' event times and the length of the windows to come, the metrics are also computed
    for windows aligned to the epoch, without those that hold less than half the median's rows. With
    the reference's ``grids`` a regression also gets a model of its errors.

    Raises
    ------
    ValueError
        If the label, the prediction or a score has no column, or there are fewer than two rows
        with a label and a prediction, or too few to say anything.
    """
    _check_columns(outputs, columns)
    rows, labels = output_rows(outputs, columns), label_values(outputs, columns[outputs.label])
    _check_rows(outputs, rows, labels)
    layout = lay_out(outputs, rows, labels)
    whole = sum_labelled(layout, rows, labels)
    slots = [] if times_ms is None or window_ms is None else _windows(times_ms, window_ms)
    windows = [sum_labelled(layout, rows.take(slot), labels[slot]) for slot in slots]
    return PerformanceReference(
        layout,
        whole,
        summarise_scored(layout, rows),
        _metrics(layout, whole, windows),
        _loss_model(layout, columns, rows, labels, grids),
    )


def _check_columns(outputs: Outputs, columns: Columns) -> None:
    needed = (outputs.label, outputs.prediction, *outputs.scores)
    lacking = [name for name in needed if name is not None and name not in columns]
    if lacking:
        names = ", ".join(map(repr, lacking))
        raise ValueError(
            f"the reference has no column {names}, which performance is computed from: "
            "add the column, or leave it out of the fields"
        )


def _check_rows(outputs: Outputs, rows: OutputRows, labels: FloatArray) -> None:
    is_usable = ~np.isnan(rows.prediction) & ~np.isnan(labels)
    usable = int(np.count_nonzero(is_usable))
    if usable < 2:  # noqa: PLR2004
        raise ValueError(
            f"{usable} of the reference's {len(rows)} rows have both a prediction and the label "
            f"{outputs.label!r}: performance needs at least 2, and says something from some hundred on"
        )
    classes = len(outputs.classes)
    if not classes:
        return
    unknown = int(np.count_nonzero(labels[is_usable] == classes))
    if unknown == usable:
        shown = ", ".join(map(repr, outputs.classes[:5]))
        raise ValueError(f"no label in {outputs.label!r} is one of the classes {shown}: correct the classes")
    if outputs.scores and not (is_usable & ~np.isnan(rows.scores).any(axis=1) & (labels < classes)).any():
        names = ", ".join(map(repr, outputs.scores))
        raise ValueError(
            f"no labelled row of the reference has a score from 0 to 1 in {names}: scores are probabilities"
        )


def _windows(times_ms: NDArray[np.int64], window_ms: int) -> list[NDArray[np.intp]]:
    """The row positions of each window but the small ones; evenly spread ones if there are very many."""
    index = times_ms // window_ms
    order = np.argsort(index, kind="stable")
    slots = np.split(order, np.flatnonzero(np.diff(index[order])) + 1)
    least = float(np.median([len(slot) for slot in slots])) / 2.0
    kept = [slot for slot in slots if len(slot) >= least]
    if len(kept) <= MAX_REPLAYED:
        return kept
    return [kept[step * len(kept) // MAX_REPLAYED] for step in range(MAX_REPLAYED)]


def _metrics(
    layout: PerformanceLayout, whole: Labelled, windows: Iterable[Labelled]
) -> Mapping[str, ReferenceMetric]:
    by_name: dict[str, list[Measured]] = {}
    for window in windows:
        for measured in realised_metrics(layout, window):
            by_name.setdefault(measured.metric, []).append(measured)
    return {one.metric: _metric(one, by_name.get(one.metric, [])) for one in realised_metrics(layout, whole)}


def _metric(whole: Measured, windows: list[Measured]) -> ReferenceMetric:
    if not windows:
        return ReferenceMetric(whole.value, whole.standard_error)
    values = np.array([window.value for window in windows])
    variances = np.array([window.standard_error for window in windows]) ** 2
    spread: tuple[Any, ...] = (float(values.mean()), float(values.std()), float(variances.mean()))
    return ReferenceMetric(whole.value, whole.standard_error, len(windows), *spread)


def _loss_model(
    layout: PerformanceLayout,
    columns: Columns,
    rows: OutputRows,
    labels: FloatArray,
    grids: Mapping[str, Grid] | None,
) -> LossModel | None:
    if layout.errors is None or grids is None:
        return None
    usable = {name: grid for name, grid in grids.items() if name != layout.outputs.label}
    return fit_loss_model(errors_of(rows.prediction, labels), columns, usable, layout.errors.error_unit)
