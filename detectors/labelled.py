"""Sums over rows whose label is known: what realised performance is computed from."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from detectors import scored as scored_wire
from detectors.counts import NumericCounts
from detectors.delays import EDGES_MS, Delays
from detectors.grid import NumericGrid, cells_on
from detectors.metrics_probability import realised_losses
from detectors.outputs import OutputRows, Task
from detectors.performance_errors import MOMENTS, errors_of
from detectors.performance_layout import OnLayout, PerformanceLayout
from detectors.performance_sums import add_by, count_by, in_losses, in_shares, pack, same, total, unpack
from detectors.scored import Scored, summarise_scored

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Sums over labelled rows on one reference's layout: a commutative group under `merge` and `minus`.

    Whole numbers throughout, so any order, any batching and any correction (the
    row's part with its old label is taken away, that with its new one merged) give equal
    sums. With K classes, P = K + 1 values (the last: another class), G groups
    and C cells; of a regression all arrays but ``label_cells`` are empty, of a classification that and
    ``moments`` are.

    rows, unusable
        Rows with a label and a prediction, and rows without; these are in no other field.
    confusion : shape (P, P)
        Rows by label (first axis) and prediction.
    cells : shape (2, C)
        Scored rows by the cell of each curve, of the other classes and of the curve's own.
    group_labels, group_scores : shapes (G, 2) and (G,)
        Binary: scored rows by group and label, and the sum of their scores in units of ``1 / SHARE_UNITS``.
    score_losses : shape (4,)
        The sums of log loss and its square, Brier score and its square, in units of ``1 / LOSS_UNITS``.
    label_cells : shape (2 B + 1,)
        Regression: rows by label, on the B points of the layout's ``label_grid`` and between them.
    moments
        The sums of `ErrorScale.moments`.
    delays
        How late the labels came.
    expected
        What was expected of these same rows: their `Scored` sums.
    """

    rows: int
    unusable: int
    confusion: IntArray
    cells: IntArray
    group_labels: IntArray
    group_scores: IntArray
    score_losses: IntArray
    label_cells: IntArray
    moments: tuple[int, ...]
    delays: Delays
    expected: Scored

    @classmethod
    def empty(cls, reference: OnLayout) -> Self:
        layout = reference.layout
        parts = (_no_moments(layout), Delays.empty(), Scored.empty(layout))
        values: tuple[Any, ...] = (0, 0, *_zeros(layout), *parts)
        return cls(*values)

    @property
    def label_counts(self) -> IntArray:
        """Rows by label, shape (K + 1,); the last is another class."""
        counts: IntArray = self.confusion.sum(axis=1)
        return counts

    def label_amounts(self, grid: NumericGrid) -> NumericCounts:
        """A regression's rows by label, on the layout's ``label_grid``.

        Sums that can be taken back know no extremes: labels beyond the grid are taken to lie at its ends.
        """
        low, high = (float(grid.points[0]), float(grid.points[-1])) if self.rows else (math.inf, -math.inf)
        on, between = self.label_cells[1::2], self.label_cells[0::2]
        return NumericCounts(on, between, minimum=low, maximum=high)

    def merge(self, other: Self) -> Self:
        """The sums of all rows of both; neither part changes."""
        return self._plus(other, 1, self.delays.merge(other.delays), self.expected.merge(other.expected))

    def minus(self, other: Self) -> Self:
        """The sums without those of a part that was merged before, or will be."""
        return self._plus(other, -1, self.delays.minus(other.delays), self.expected.minus(other.expected))

    def _plus(self, other: Self, sign: int, delays: Delays, expected: Scored) -> Self:
        arrays = (mine + sign * theirs for mine, theirs in zip(_arrays(self), _arrays(other), strict=True))
        moments = tuple(
            mine + sign * theirs for mine, theirs in zip(self.moments, other.moments, strict=True)
        )
        numbers = (self.rows + sign * other.rows, self.unusable + sign * other.unusable)
        values: tuple[Any, ...] = (*numbers, *arrays, moments, delays, expected)
        return type(self)(*values)

    def __eq__(self, other: object) -> bool:
        return same(_all(self), _all(other)) if isinstance(other, Labelled) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # holds arrays


def summarise_labelled(
    reference: OnLayout, rows: OutputRows, labels: FloatArray, delays_ms: NDArray[np.int64]
) -> Labelled:
    """The sums over one batch of rows and their labels.

    ``delays_ms`` says how long after the rows' event times (or after the prediction's
    arrival) the labels came, negative for unknown. A row whose label or prediction is NaN
    is counted in ``unusable`` and nowhere else.
    """
    is_usable = ~(np.isnan(labels) | np.isnan(rows.prediction))
    return replace(sum_labelled(reference, rows, labels), delays=Delays.of(delays_ms[is_usable]))


def sum_labelled(reference: OnLayout, rows: OutputRows, labels: FloatArray) -> Labelled:
    """The same for rows of which no delays are wanted."""
    layout = reference.layout
    is_usable = ~(np.isnan(labels) | np.isnan(rows.prediction))
    given = len(labels)
    if not is_usable.all():
        rows, labels = rows.take(is_usable), labels[is_usable]
    arrays, moments = _summed(layout, rows, labels)
    parts = (Delays.empty(), summarise_scored(layout, rows))
    values: tuple[Any, ...] = (len(labels), given - len(labels), *arrays, moments, *parts)
    return Labelled(*values)


def _summed(
    layout: PerformanceLayout, rows: OutputRows, labels: FloatArray
) -> tuple[tuple[IntArray, ...], tuple[int, ...]]:
    """The arrays in the order of the fields, and the moments."""
    if layout.errors is not None:
        moments = layout.errors.moments(errors_of(rows.prediction, labels), labels)
        return (*_zeros(layout)[:-1], _label_cells(layout, labels)), moments
    truth = labels.astype(np.intp)
    places = layout.places
    confusion = count_by(truth * places + rows.prediction.astype(np.intp), places * places)
    no_cells = _label_cells(layout, labels)
    return (confusion.reshape(places, places), *_score_sums(layout, rows.scores, truth), no_cells), ()


def _label_cells(layout: PerformanceLayout, labels: FloatArray) -> IntArray:
    """Rows by label; empty where labels are classes, and on references that were built without a grid."""
    if layout.label_grid is None:
        return np.zeros(0, np.int64)
    return count_by(cells_on(layout.label_grid.points, labels), layout.label_cells)


def _score_sums(layout: PerformanceLayout, scores: FloatArray, truth: Places) -> tuple[IntArray, ...]:
    """Cells, groups and losses of the rows that have scores and a known class."""
    _, cells_shape, labels_shape, scores_shape, *_ = _shapes(layout)
    if not layout.points:
        return _zeros(layout)[1:-1]
    is_usable = (truth < layout.classes) & ~np.isnan(scores).any(axis=1)
    if not is_usable.all():
        scores, truth = scores[is_usable], truth[is_usable]
    cells = np.zeros(cells_shape, np.int64)
    size = cells_shape[1]
    for curve, position in enumerate(layout.curve_classes):
        place = layout.cells_of(curve, scores[:, curve]) + size * (truth == position)
        cells += count_by(place, 2 * size).reshape(cells_shape)
    group_labels, group_scores = np.zeros(labels_shape, np.int64), np.zeros(scores_shape, np.int64)
    if layout.outputs.task is Task.BINARY:
        group = layout.groups_of(scores, scores)
        group_labels = count_by(2 * group + truth, 2 * layout.groups).reshape(labels_shape)
        group_scores = add_by(group, in_shares(scores[:, 0]), layout.groups)
    log_loss, brier = realised_losses(scores, truth)
    sums = [total(in_losses(values)) for values in (log_loss, log_loss**2, brier, brier**2)]
    return cells, group_labels, group_scores, np.array(sums, np.int64)


def _shapes(layout: PerformanceLayout) -> tuple[tuple[int, ...], ...]:
    places, groups, cells = layout.places, layout.groups, layout.starts[-1]
    binary_groups = groups if layout.outputs.task is Task.BINARY else 0
    losses = 4 if layout.points else 0
    by_label = (layout.label_cells,)
    return ((places, places), (2, cells), (binary_groups, 2), (binary_groups,), (losses,), by_label)


def _zeros(layout: PerformanceLayout) -> tuple[IntArray, ...]:
    return tuple(np.zeros(shape, np.int64) for shape in _shapes(layout))


def _no_moments(layout: PerformanceLayout) -> tuple[int, ...]:
    return () if layout.errors is None else (0,) * MOMENTS


def _arrays(labelled: Labelled) -> tuple[IntArray, ...]:
    return (
        labelled.confusion,
        labelled.cells,
        labelled.group_labels,
        labelled.group_scores,
        labelled.score_losses,
        labelled.label_cells,
    )


def _all(labelled: Labelled) -> tuple[object, ...]:
    numbers = (labelled.rows, labelled.unusable, labelled.moments)
    return (*numbers, *_arrays(labelled), labelled.delays, labelled.expected)


def encode(labelled: Labelled) -> bytes:
    """The wire form: exact, versioned."""
    numbers = (labelled.rows, labelled.unusable, labelled.delays.unknown, *labelled.moments)
    parts = (scored_wire.encode(labelled.expected),)
    return pack(numbers, (*_arrays(labelled), labelled.delays.counts), parts)


def decode(data: bytes, reference: OnLayout) -> Labelled:
    """Read what `encode` wrote, on the reference it was summed on; raises ValueError if it is of another."""
    layout = reference.layout
    shapes = (*_shapes(layout), (len(EDGES_MS) + 1,))
    (rows, unusable, unknown, *moments), arrays, parts = unpack(data, shapes, "sums of labelled rows")
    if len(moments) != len(_no_moments(layout)):
        raise ValueError("stored sums of labelled rows are of another task than the reference")
    beside = (tuple(moments), Delays(arrays[-1], unknown), scored_wire.decode(parts[0], layout))
    values: tuple[Any, ...] = (rows, unusable, *arrays[:-1], *beside)
    return Labelled(*values)
