"""Sums over predictions that need no label: what is expected of them if the calibration still holds."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from detectors.metrics_probability import expected_losses
from detectors.outputs import OutputRows
from detectors.performance_layout import OnLayout, PerformanceLayout
from detectors.performance_sums import (
    SHARE_UNITS,
    add_by,
    count_by,
    in_losses,
    in_shares,
    pack,
    same,
    total,
    unpack,
)

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Sums over rows on one reference's layout: a commutative group under `merge` and `minus`.

    With K classes, P = K + 1 predicted ones (the last: another class), G groups of
    the score and C cells. Of a regression all arrays are empty.

    rows
        All rows that were given.
    unusable
        Rows without a prediction, or without a score where scores are logged.
    predicted : shape (P,)
        Rows by predicted class, also those without a score.
    n : shape (P, G)
        Usable rows by predicted class and group.
    posterior : shape (P, G, K)
        The sum of their calibrated probabilities, in units of ``1 / SHARE_UNITS``.
    cell_rows, cell_posterior : shape (C,)
        Usable rows by the cell of each curve, and the sum of that curve's class's probability.
    losses : shape (4,)
        The sums of the expected log loss and its expected square, the expected Brier score and its
        expected square, in units of ``1 / LOSS_UNITS``.
    """

    rows: int
    unusable: int
    predicted: IntArray
    n: IntArray
    posterior: IntArray
    cell_rows: IntArray
    cell_posterior: IntArray
    losses: IntArray

    @classmethod
    def empty(cls, reference: OnLayout) -> Self:
        return cls(0, 0, *(np.zeros(shape, np.int64) for shape in _shapes(reference.layout)))

    def merge(self, other: Self) -> Self:
        """The sums of all rows of both; neither part changes."""
        return type(self)(
            *(mine + theirs for mine, theirs in zip(_fields(self), _fields(other), strict=True))
        )

    def minus(self, other: Self) -> Self:
        """The sums without those of a part that was merged before."""
        return type(self)(
            *(mine - theirs for mine, theirs in zip(_fields(self), _fields(other), strict=True))
        )

    def predicted_counts(self) -> IntArray:
        """Rows by predicted class, shape (K + 1,); the last is another class."""
        return self.predicted

    def posterior_groups(self) -> tuple[IntArray, FloatArray]:
        """The rows of each group that has any, and their mean calibrated posterior.

        Of shapes (G,) and (G, K). Rows of different predicted classes are in different groups. Both are
        empty where no scores are logged.
        """
        n = self.n.reshape(-1)
        sums = self.posterior.reshape(len(n), self.posterior.shape[-1])
        is_there = n > 0
        means: FloatArray = sums[is_there] / (SHARE_UNITS * n[is_there, None].astype(np.float64))
        return n[is_there], means

    def __eq__(self, other: object) -> bool:
        return same(_fields(self), _fields(other)) if isinstance(other, Scored) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # holds arrays


def _shapes(layout: PerformanceLayout) -> tuple[tuple[int, ...], ...]:
    places, groups, cells = layout.places, layout.groups, layout.starts[-1]
    losses = 4 if layout.points else 0
    return ((places,), (places, groups), (places, groups, layout.classes), (cells,), (cells,), (losses,))


def _fields(scored: Scored) -> list[Any]:
    return [getattr(scored, one.name) for one in fields(scored)]


def summarise_scored(reference: OnLayout, rows: OutputRows) -> Scored:
    """The sums over one batch of rows."""
    layout = reference.layout
    is_predicted = ~np.isnan(rows.prediction)
    if not layout.classes:
        unusable = len(rows) - int(np.count_nonzero(is_predicted))
        return replace(Scored.empty(layout), rows=len(rows), unusable=unusable)
    prediction = rows.prediction[is_predicted].astype(np.intp)
    predicted = count_by(prediction, layout.places)
    if not layout.points:
        unusable = len(rows) - len(prediction)
        return replace(Scored.empty(layout), rows=len(rows), unusable=unusable, predicted=predicted)
    is_usable = is_predicted & ~np.isnan(rows.scores).any(axis=1)
    usable = rows if is_usable.all() else rows.take(is_usable)
    sums = _sums(layout, usable.prediction.astype(np.intp), usable.scores)
    return Scored(len(rows), len(rows) - len(usable), predicted, *sums)


def _sums(layout: PerformanceLayout, prediction: Places, scores: FloatArray) -> tuple[IntArray, ...]:
    """What is summed over usable rows, in the order of the fields."""
    _, by_group, by_class, (cells,), _, _ = _shapes(layout)
    posterior = layout.calibration.posterior(scores)
    units = in_shares(posterior)
    place = prediction * layout.groups + layout.groups_of(scores, posterior)
    size = layout.places * layout.groups
    sums = [add_by(place, units[:, at], size) for at in range(layout.classes)]
    cell_rows, cell_posterior = np.zeros(cells, np.int64), np.zeros(cells, np.int64)
    curves = layout.curve_classes
    for curve, position in enumerate(curves):
        cell = layout.cells_of(curve, scores[:, curve])
        cell_rows += count_by(cell, cells)
        cell_posterior += add_by(cell, units[:, position], cells)
    losses = [total(in_losses(values)) for values in expected_losses(scores, posterior)]
    return (
        count_by(place, size).reshape(by_group),
        np.stack(sums, axis=1).reshape(by_class),
        cell_rows,
        cell_posterior,
        np.array(losses, np.int64),
    )


def encode(scored: Scored) -> bytes:
    """The wire form: exact, versioned."""
    rows, unusable, *arrays = _fields(scored)
    return pack((rows, unusable), arrays)


def decode(data: bytes, reference: OnLayout) -> Scored:
    """Read what `encode` wrote, on the reference it was summed on; raises ValueError if it is of another."""
    (rows, unusable), arrays, _ = unpack(data, _shapes(reference.layout), "sums of predictions")
    return Scored(rows, unusable, *arrays)
