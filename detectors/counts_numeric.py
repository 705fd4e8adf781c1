"""Counts of a numeric feature on and between the points of its grid."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from detectors.absence import split_present
from detectors.columns import Column
from detectors.grid import NumericGrid

IntVector = NDArray[np.int64]
FloatVector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class NumericCounts:
    """How many values fell on each point of a grid and in each open interval between.

    ``on`` has one count per point, ``between`` one more: ``between[0]`` is below
    the first point, ``between[-1]`` above the last. Values that are not finite
    and cells without a value are counted beside them, never among them.
    ``minimum`` and ``maximum`` are of the finite values, ``inf`` and ``-inf``
    when there are none. The counts of a grid form a commutative monoid under
    `merge`, with `empty` as its identity.
    """

    on: IntVector
    between: IntVector
    missing: int = 0
    null: int = 0
    bad_type: int = 0
    nan: int = 0
    pos_inf: int = 0
    neg_inf: int = 0
    minimum: float = math.inf
    maximum: float = -math.inf
    n: int = field(init=False)  # the number of finite values: asked for often, so added up once

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", int(self.on.sum()) + int(self.between.sum()))

    @classmethod
    def empty(cls, grid: NumericGrid) -> Self:
        size = len(grid.points)
        return cls(np.zeros(size, np.int64), np.zeros(size + 1, np.int64))

    @property
    def rows(self) -> int:
        """Everything: finite values, NaN, infinities and cells without a value."""
        return self.n + sum(self.tallies())

    def tallies(self) -> tuple[int, ...]:
        """The counts beside the grid, in the order of the fields."""
        return (self.missing, self.null, self.bad_type, self.nan, self.pos_inf, self.neg_inf)

    def merge(self, other: Self) -> Self:
        """The counts of both parts together; neither part changes."""
        if len(self.on) != len(other.on):
            raise ValueError(f"counts on {len(self.on)} and on {len(other.on)} points are of different grids")
        tallies = (a + b for a, b in zip(self.tallies(), other.tallies(), strict=True))
        extremes = (min(self.minimum, other.minimum), max(self.maximum, other.maximum))
        beside: tuple[Any, ...] = (*tallies, *extremes)
        return type(self)(self.on + other.on, self.between + other.between, *beside)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NumericCounts):
            return NotImplemented
        return (
            self.tallies() == other.tallies()
            and (self.minimum, self.maximum) == (other.minimum, other.maximum)
            and np.array_equal(self.on, other.on)
            and np.array_equal(self.between, other.between)
        )

    __hash__ = None  # type: ignore[assignment]  # holds arrays


def count_numeric(grid: NumericGrid, column: Column) -> NumericCounts:
    """Count one batch of a numeric feature; the order of its rows does not matter."""
    values, absent = split_present(column)
    ordered = np.sort(values)  # -inf first, then finite, inf, NaN
    low, high, last = _finite_span(ordered)
    finite = ordered[low:high]
    on, between = _count_sorted(grid.points, finite)
    return NumericCounts(
        on,
        between,
        *absent,
        nan=len(ordered) - last,
        pos_inf=last - high,
        neg_inf=low,
        minimum=float(finite[0]) + 0.0 if len(finite) else math.inf,
        maximum=float(finite[-1]) + 0.0 if len(finite) else -math.inf,
    )


def _finite_span(ordered: FloatVector) -> tuple[int, int, int]:
    """Where the finite values begin and end, and where the NaN begin."""
    size = len(ordered)
    if size == 0 or (math.isfinite(ordered[0]) and math.isfinite(ordered[-1])):
        return 0, size, size
    low = int(ordered.searchsorted(-math.inf, "right"))
    high = int(ordered.searchsorted(math.inf, "left"))
    return low, high, int(ordered.searchsorted(math.nan, "left"))


def _count_sorted(points: FloatVector, ordered: FloatVector) -> tuple[IntVector, IntVector]:
    """Search the shorter of two sorted vectors in the longer one."""
    if len(ordered) < len(points):
        return _values_into_grid(points, ordered)
    return _grid_into_values(points, ordered)


def _values_into_grid(points: FloatVector, ordered: FloatVector) -> tuple[IntVector, IntVector]:
    size = len(points)
    position = points.searchsorted(ordered)
    hit = points.take(position, mode="clip") == ordered
    on = np.bincount(position[hit], minlength=size)
    return on, np.bincount(position[~hit], minlength=size + 1)


def _grid_into_values(points: FloatVector, ordered: FloatVector) -> tuple[IntVector, IntVector]:
    start = ordered.searchsorted(points)
    on = np.zeros(len(points), np.int64)
    if len(ordered) > 0:
        # Few points of a fine grid are hit by a continuous feature: look for the run's end only there.
        hit = np.flatnonzero(ordered.take(start, mode="clip") == points)
        on[hit] = ordered.searchsorted(points[hit], "right") - start[hit]
    edges = np.empty(len(points) + 2, np.int64)
    edges[0], edges[1:-1], edges[-1] = 0, start, len(ordered)
    between = edges[1:] - edges[:-1]
    between[1:] -= on
    return on, between
