"""The grid a reference fixes for each feature, so that counts on it add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

GRID_SIZE = 2048  # intervals of equal reference mass when a numeric feature has more distinct values
MAX_CATEGORIES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class NumericGrid:
    """The points on which and between which a numeric feature is counted.

    ``points`` are strictly increasing and finite; there may be none (an empty
    reference). ``bound`` is the largest share of the reference strictly
    between two neighbouring points: how far the Kolmogorov-Smirnov D from
    counts can be below the exact one. It is 0.0 when no value was thinned out.
    """

    points: NDArray[np.float64]
    bound: float = 0.0

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NumericGrid):
            return NotImplemented
        return self.bound == other.bound and np.array_equal(self.points, other.points)

    __hash__ = None  # type: ignore[assignment]  # holds an array


@dataclass(frozen=True, slots=True)
class CategoricalGrid:
    """The known categories, by falling reference count, ties by text.

    When ``is_open`` the reference had more categories than are known here:
    an unknown value is then part of the pooled rest, not an unseen category.
    """

    categories: tuple[str, ...]
    is_open: bool = False
    index: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index = {category: position for position, category in enumerate(self.categories)}
        object.__setattr__(self, "index", index)


Grid = NumericGrid | CategoricalGrid


def numeric_grid(values: NDArray[np.float64], grid_size: int = GRID_SIZE) -> NumericGrid:
    """Every distinct value if there are at most ``grid_size``, else quantiles.

    The quantiles are the rows at the ranks ``i * n / grid_size``, so at most
    ``grid_size + 1`` points; minimum, maximum and every value that holds more
    than ``1 / grid_size`` of the rows are among them, and fewer than
    ``1 / grid_size`` of the rows lie strictly between two of them.

    Raises
    ------
    ValueError
        If a value is not finite, or ``grid_size`` is below 2.
    """
    if grid_size < 2:  # noqa: PLR2004
        raise ValueError(f"grid_size is {grid_size}: a grid needs at least 2 points")
    if not np.isfinite(values).all():
        raise ValueError("a numeric grid is built from finite values: leave out NaN and infinities first")
    ordered = np.sort(values) + 0.0  # + 0.0 turns -0.0 into 0.0: equal grids are equal bytes
    distinct = np.unique(ordered)
    if len(distinct) <= grid_size:
        return NumericGrid(distinct)
    ranks = np.arange(grid_size + 1) * len(ordered) // grid_size
    points = np.unique(ordered[np.minimum(ranks, len(ordered) - 1)])
    return NumericGrid(points, _largest_gap(ordered, points))


def _largest_gap(ordered: NDArray[np.float64], points: NDArray[np.float64]) -> float:
    """The largest share of the rows strictly between two neighbouring points."""
    before = ordered.searchsorted(points, "left")
    until = ordered.searchsorted(points, "right")
    return float((before[1:] - until[:-1]).max() / len(ordered))


def categorical_grid(values: NDArray[np.object_], max_categories: int = MAX_CATEGORIES) -> CategoricalGrid:
    """The ``max_categories`` most frequent categories; open if there were more."""
    counts = Counter(values.tolist())
    order = sorted(counts, key=lambda category: (-counts[category], category))
    return CategoricalGrid(tuple(order[:max_categories]), is_open=len(order) > max_categories)


def cells_on(points: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.intp]:
    """The cell of each value: below the first point, on it, between it and the second, and so on."""
    place = points.searchsorted(values)
    if not len(points):
        return place
    cells: NDArray[np.intp] = 2 * place + (points.take(place, mode="clip") == values)
    return cells
