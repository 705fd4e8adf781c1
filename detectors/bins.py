"""A feature's values in few bins, for a picture: the reference's and the window's in the same ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.cells import quantile
from detectors.counts import CategoricalCounts, Counts, NumericCounts
from detectors.grid import CategoricalGrid, Grid, NumericGrid

BINS = 24
CATEGORIES = 12
TAIL = 0.005
"""The share of the reference beyond each end of the picture: one stray value must not squeeze the rest."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Which share of the values lies from ``low`` on and before ``high``, in the reference and in the window.

    A bin of one value has ``low == high``; the outer ones reach to infinity. Of categories there is a
    ``name`` instead, and of several together (all ``others``) a name in words.
    """

    low: float
    high: float
    reference: float
    current: float
    name: str = ""
    others: int = 0
    is_new: bool = False


def bins_of(before: Counts, now: Counts, grid: Grid) -> tuple[Bin, ...]:
    """Give the bins of a feature of either kind."""
    if isinstance(grid, NumericGrid) and isinstance(before, NumericCounts) and isinstance(now, NumericCounts):
        return numeric_bins(before, now, grid)
    if (
        isinstance(grid, CategoricalGrid)
        and isinstance(before, CategoricalCounts)
        and isinstance(now, CategoricalCounts)
    ):
        return category_bins(before, now, grid)
    raise TypeError("both counts and the grid have to be of one kind")


def numeric_bins(
    reference: NumericCounts, current: NumericCounts, grid: NumericGrid, bins: int = BINS
) -> tuple[Bin, ...]:
    """Bins of equal width over the bulk of the reference, and one beyond each end that is not empty.

    Of few distinct values each is a bin of its own, and what lies between two of them goes to the next bin.
    Within the interval between two grid points values are taken as evenly spread.
    """
    if not len(grid.points):
        return ()
    if len(grid.points) <= bins:
        return _one_a_value(reference, current, grid)
    edges = _edges(reference, grid, bins)
    sides = [_shares(counts, grid, edges) for counts in (reference, current)]
    ends = [-math.inf, *edges.tolist(), math.inf]
    made = [
        Bin(low, high, before, now)
        for low, high, before, now in zip(
            ends[:-1], ends[1:], *(side.tolist() for side in sides), strict=True
        )
    ]
    return tuple(
        bin_ for bin_ in made if math.isfinite(bin_.low + bin_.high) or bin_.reference or bin_.current
    )


def category_bins(
    reference: CategoricalCounts, current: CategoricalCounts, grid: CategoricalGrid, most: int = CATEGORIES
) -> tuple[Bin, ...]:
    """The categories with the largest share on either side, largest in the reference first, and the rest."""
    names = [*grid.categories, *sorted({*reference.unseen, *current.unseen})]
    known = len(grid.categories)
    before, now = (_by_name(counts, names[known:]) for counts in (reference, current))
    shown = sorted(range(len(names)), key=lambda at: (-max(before[at], now[at]), at))[:most]
    made = [
        Bin(0.0, 0.0, float(before[at]), float(now[at]), names[at], is_new=at >= known)
        for at in sorted(shown, key=lambda at: (-before[at], -now[at], at))
    ]
    rest = [1.0 - sum(side) if counts.n else 0.0 for side, counts in (
        ([bin_.reference for bin_ in made], reference), ([bin_.current for bin_ in made], current),
    )]  # fmt: skip
    left = len(names) - len(shown)
    if max(rest) > 1e-9:  # noqa: PLR2004  # rounding of the sums
        made.append(Bin(0.0, 0.0, max(rest[0], 0.0), max(rest[1], 0.0), "all others", others=max(left, 1)))
    return tuple(made)


def _by_name(counts: CategoricalCounts, unseen: list[str]) -> NDArray[np.float64]:
    values = np.concatenate([counts.known, [counts.unseen.get(name, 0) for name in unseen]])
    return np.asarray(values / max(counts.n, 1), np.float64)


def _one_a_value(reference: NumericCounts, current: NumericCounts, grid: NumericGrid) -> tuple[Bin, ...]:
    made = []
    for at, value in enumerate(grid.points.tolist()):
        low = value if not (reference.between[at] or current.between[at]) else float(
            grid.points[at - 1] if at else min(reference.minimum, current.minimum)
        )  # fmt: skip
        before, now = (
            (int(counts.on[at]) + int(counts.between[at])) / max(counts.n, 1)
            for counts in (reference, current)
        )
        made.append(Bin(low, value, before, now))
    before, now = (int(counts.between[-1]) / max(counts.n, 1) for counts in (reference, current))
    return (*made, Bin(made[-1].high, math.inf, before, now)) if before or now else tuple(made)


def _edges(reference: NumericCounts, grid: NumericGrid, bins: int) -> NDArray[np.float64]:
    low, high = (quantile(reference, grid, q) for q in (TAIL, 1.0 - TAIL))
    if not high > low:
        low, high = float(grid.points[0]), float(grid.points[-1])
    step = round_step((high - low) / bins)
    return np.asarray(np.arange(math.floor(low / step), math.ceil(high / step) + 1) * step, np.float64)


def round_step(least: float) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that is not below ``least``."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * power >= least * 0.999)


def _shares(counts: NumericCounts, grid: NumericGrid, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares below the first edge, between neighbours, and from the last one on."""
    below = np.array([_below(counts, grid, edge) for edge in edges.tolist()])
    return np.asarray(np.diff(np.concatenate(([0.0], below, [counts.n]))) / max(counts.n, 1), np.float64)


def _below(counts: NumericCounts, grid: NumericGrid, edge: float) -> float:
    """How many values are below the edge."""
    at = int(grid.points.searchsorted(edge))
    low = float(grid.points[at - 1]) if at else counts.minimum
    high = float(grid.points[at]) if at < len(grid.points) else counts.maximum
    part = 0.0 if not low < edge else 1.0 if edge >= high else (edge - low) / (high - low)
    if at and not math.isfinite(high):
        part = 0.0
    return float(counts.on[:at].sum() + counts.between[:at].sum() + part * counts.between[at])
