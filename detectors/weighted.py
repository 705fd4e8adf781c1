"""Grids and counts of a numeric feature whose rows are not at hand: from weighted values, or from buckets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.cells import interleaved
from detectors.counts import NumericCounts
from detectors.grid import GRID_SIZE, NumericGrid


def of_values(
    values: NDArray[np.float64], weights: NDArray[np.int64], grid_size: int = GRID_SIZE
) -> tuple[NumericGrid, NumericCounts]:
    """The grid and the counts that each value would have if it occurred as often as its weight says.

    They are those of `numeric_grid` and `count_numeric` on the repeated values, which are never made.
    """
    points, place = np.unique(values + 0.0, return_inverse=True)
    weight = np.zeros(len(points), np.int64)
    np.add.at(weight, place, weights)
    points, weight = points[weight > 0], weight[weight > 0]
    reached = np.concatenate(([0], np.cumsum(weight)))
    total = int(reached[-1])
    kept = np.arange(len(points))
    if len(points) > grid_size:
        ranks = np.minimum(np.arange(grid_size + 1) * total // grid_size, total - 1)
        kept = np.unique(reached[1:].searchsorted(ranks, "right"))
    between = np.concatenate((reached[kept], [total])) - np.concatenate(([0], reached[kept + 1]))
    bound = float(between[1:-1].max(initial=0) / total) if total else 0.0
    extremes = (float(points[0]), float(points[-1])) if total else (np.inf, -np.inf)
    return NumericGrid(points[kept], bound), NumericCounts(
        weight[kept], between, minimum=extremes[0], maximum=extremes[1]
    )


def of_buckets(edges: NDArray[np.float64], counts: NDArray[np.int64]) -> tuple[NumericGrid, NumericCounts]:
    """The grid and the counts of buckets, each with its lower edge; the last one has its upper edge too.

    Nothing is known of where in its bucket a value lies. So the grid's points lie just outside of the
    buckets, and every value that a bucket can hold is counted in the interval between two of them: D is then
    never above the exact one, and below it by at most the largest share of a bucket.

    Raises
    ------
    ValueError
        If the edges do not rise.
    """
    low, high = float(edges[0]), float(edges[-1])
    if low == high:
        total = counts.sum(keepdims=True)
        return NumericGrid(edges[:1] + 0.0), NumericCounts(
            total, np.zeros(2, np.int64), minimum=low, maximum=high
        )
    points = np.append(np.nextafter(edges[:-1], -np.inf), np.nextafter(high, np.inf))
    if not (np.diff(points) > 0).all():
        raise ValueError(f"the buckets' bounds do not rise: {edges.tolist()}")
    between = np.concatenate(([0], counts, [0]))
    bound = float(counts.max() / max(1, counts.sum()))
    on = np.zeros(len(points), np.int64)
    return NumericGrid(points, bound), NumericCounts(on, between, minimum=low, maximum=high)


def weighted_values(
    counts: NumericCounts, grid: NumericGrid
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The values that counts stand for and how often each occurs, in order.

    What lies between two points is taken to be in the middle between them.
    """
    ends = np.concatenate(([counts.minimum], grid.points, [counts.maximum]))
    cells = np.empty(2 * len(grid.points) + 1)
    cells[1::2] = grid.points
    with np.errstate(invalid="ignore"):  # no values at all: the extremes are infinite
        cells[0::2] = np.clip((ends[:-1] + ends[1:]) / 2.0, counts.minimum, counts.maximum)
    weights = interleaved(counts)
    return cells[weights > 0], weights[weights > 0]
