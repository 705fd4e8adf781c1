"""What performance is counted on: the reference fixes the cells, so that sums add up."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.calibration import Calibration, Isotonic
from detectors.grid import NumericGrid, cells_on, numeric_grid
from detectors.outputs import OutputRows, Outputs, Task
from detectors.performance_errors import ErrorScale
from detectors.performance_sums import same

FloatArray = NDArray[np.float64]
Places = NDArray[np.intp]

MAX_POINTS = 1000  # of one score
POINTS_OF_ALL = 2000  # of the scores of several classes together
MIN_POINTS = 50
_GROUPS = (0.001, 0.005, 0.01, *(step / 20 for step in range(1, 20)), 0.99, 0.995, 0.999)
"""The shares of the reference's rows at which groups end: twenty equal ones, the outer ones cut finer."""


@dataclass(frozen=True, slots=True, eq=False)
class PerformanceLayout:
    """The cells and groups of one reference.

    ``points`` holds, for each curve (of the positive class, or of each class against the rest), strictly
    rising scores; a curve of B points has 2 B + 1 cells: below the first point,
    on it, between it and the second, and so on. The cells of all curves lie
    behind each other in one vector, those of curve c from ``starts[c]`` to before ``starts[c + 1]``.
    ``group_edges`` cut the score (binary) or the largest posterior (several
    classes) into groups. A regression has ``errors`` instead of all these, and ``label_grid``, on which its
    labels are counted.
    """

    outputs: Outputs
    calibration: Calibration = field(default_factory=Calibration)
    points: tuple[FloatArray, ...] = ()
    group_edges: FloatArray = field(default_factory=lambda: np.zeros(0))
    errors: ErrorScale | None = None
    label_grid: NumericGrid | None = None
    starts: tuple[int, ...] = field(init=False)  # asked for often, so added up once

    def __post_init__(self) -> None:
        sizes = (2 * len(points) + 1 for points in self.points)
        object.__setattr__(self, "starts", tuple(itertools.accumulate(sizes, initial=0)))

    @property
    def layout(self) -> PerformanceLayout:
        """Itself: what is counted on a reference can be counted on its layout alone."""
        return self

    @property
    def classes(self) -> int:
        return len(self.outputs.classes)

    @property
    def places(self) -> int:
        """How many values a prediction or label can have: the classes and another one."""
        return self.classes + 1 if self.classes else 0

    @property
    def groups(self) -> int:
        return len(self.group_edges) + 1 if self.points else 0

    @property
    def label_cells(self) -> int:
        """How many cells the labels are counted in: on each point of their grid, and between."""
        return 0 if self.label_grid is None else 2 * len(self.label_grid.points) + 1

    @property
    def curve_classes(self) -> tuple[int, ...]:
        """The class that each curve is of."""
        return (1,) if len(self.points) == 1 else tuple(range(len(self.points)))

    def cells_of(self, curve: int, scores: FloatArray) -> Places:
        """The cell of each score, on one curve, in the vector of all curves' cells."""
        return cells_on(self.points[curve], scores) + self.starts[curve]

    def groups_of(self, scores: FloatArray, posterior: FloatArray) -> Places:
        """The group of each row; ``scores`` and ``posterior`` have one row each, without NaN."""
        measure = scores[:, 0] if self.outputs.task is Task.BINARY else posterior.max(axis=1)
        groups: Places = self.group_edges.searchsorted(measure, "right")
        return groups

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PerformanceLayout):
            return NotImplemented
        mine, theirs = (
            (
                one.outputs,
                one.calibration,
                one.errors,
                one.label_grid,
                len(one.points),
                *one.points,
                one.group_edges,
            )
            for one in (self, other)
        )
        return len(mine) == len(theirs) and same(mine, theirs)

    __hash__ = None  # type: ignore[assignment]  # holds arrays


class OnLayout(Protocol):
    """A reference, or its layout alone."""

    @property
    def layout(self) -> PerformanceLayout: ...


def lay_out(outputs: Outputs, rows: OutputRows, labels: FloatArray) -> PerformanceLayout:
    """The cells, groups and calibration that the reference's rows lead to.

    Raises
    ------
    ValueError
        If the scores cannot be calibrated: no row has a label and all scores.
    """
    if outputs.task is Task.REGRESSION:
        known = labels[~np.isnan(rows.prediction) & ~np.isnan(labels)]
        errors, grid = ErrorScale.of(rows.prediction, labels), numeric_grid(known, MAX_POINTS)
        return PerformanceLayout(outputs, errors=errors, label_grid=grid)
    if not outputs.scores:
        return PerformanceLayout(outputs)
    is_usable = ~np.isnan(rows.scores).any(axis=1) & ~np.isnan(labels) & (labels < len(outputs.classes))
    scores, truth = rows.scores[is_usable], labels[is_usable]
    wanted = [1] if outputs.task is Task.BINARY else list(range(len(outputs.classes)))
    curves = tuple(Isotonic.fit(scores[:, at], truth == position) for at, position in enumerate(wanted))
    calibration = Calibration(curves)
    most = max(MIN_POINTS, min(MAX_POINTS, POINTS_OF_ALL // len(wanted)))
    points = tuple(_quantiles(scores[:, at], most) for at in range(len(wanted)))
    measure = scores[:, 0] if len(wanted) == 1 else calibration.posterior(scores).max(axis=1)
    return PerformanceLayout(outputs, calibration, points, _group_edges(measure))


def _quantiles(values: FloatArray, most: int) -> FloatArray:
    """Every distinct value, or as many quantiles as there may be, each one a value."""
    ordered = np.sort(values) + 0.0  # + 0.0 turns -0.0 into 0.0
    distinct = np.unique(ordered)
    if len(distinct) <= most:
        return distinct
    chosen: FloatArray = np.unique(ordered[np.arange(most) * (len(ordered) - 1) // (most - 1)])
    return chosen


def _group_edges(values: FloatArray) -> FloatArray:
    """The first value of each group but the first: no value is cut in two."""
    ordered = np.sort(values) + 0.0
    edges = np.unique(ordered[(np.array(_GROUPS) * len(ordered)).astype(np.intp)])
    inner: FloatArray = edges[edges > ordered[0]]
    return inner
