"""Two counts side by side: the cells that tests and distances compare."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from detectors.counts import CategoricalCounts, Counts, NumericCounts
from detectors.grid import CategoricalGrid, Grid, NumericGrid
from detectors.result import TestResult

Table = NDArray[np.int64]  # two rows: reference, current


def interleaved(counts: NumericCounts) -> NDArray[np.int64]:
    """The counts from left to right: below, on the first point, between, on the second ..., above."""
    cells = np.empty(2 * len(counts.on) + 1, np.int64)
    cells[0::2] = counts.between
    cells[1::2] = counts.on
    return cells


def too_little_data(n_reference: int, n_current: int) -> TestResult:
    """The result when a side has no values at all: no p-value, no effect, and a note why."""
    sides = [name for name, n in (("reference", n_reference), ("current window", n_current)) if n == 0]
    note = f"no values in the {' and the '.join(sides)}"
    return TestResult(0.0, None, None, None, None, n_reference, n_current, note=note)


def numeric_pair(first: Counts, second: Counts, detector: str) -> tuple[NumericCounts, NumericCounts]:
    """Both as numeric counts, or a TypeError that says which detector was given something else."""
    if isinstance(first, NumericCounts) and isinstance(second, NumericCounts):
        return first, second
    raise TypeError(f"{detector} compares numeric features; use chi2, psi, js or tv for categorical ones")


def categorical_table(reference: CategoricalCounts, current: CategoricalCounts) -> Table:
    """Known categories in the grid's order, unseen ones by text, and ``other`` as the last cell.

    Cells may be empty in both rows.
    """
    names = sorted({*reference.unseen, *current.unseen})
    rows = [
        np.concatenate([part.known, [part.unseen.get(name, 0) for name in names], [part.other]])
        for part in (reference, current)
    ]
    return np.stack(rows).astype(np.int64)


def numeric_table(reference: NumericCounts, current: NumericCounts, bins: int) -> Table:
    """At most ``bins`` cells of about equal reference mass, and one beyond each end.

    A cell ends where the reference's cumulative share reaches a multiple of
    ``1 / bins``; a value that holds more than that fills a cell of its own
    together with what lies between it and the cell before. Cells that no row
    of the reference reaches are left out.
    """
    reached, others = np.cumsum(interleaved(reference)), np.cumsum(interleaved(current))
    last = len(reached) - 1
    if last == 0:  # a grid without points: one cell
        return np.stack([reached, others])
    cuts = np.searchsorted(reached * bins, np.arange(1, bins) * reached[-1], side="right")
    begins = np.concatenate(([1], np.clip(cuts, 1, last), [last]))  # before and after: outside the range
    rows = [
        np.concatenate(([total[0]], np.diff(total[begins - 1]), [total[-1] - total[-2]]))
        for total in (reached, others)
    ]
    table = np.stack(rows)
    return table[:, table.any(axis=0)]


def quantile(counts: Counts, grid: Grid, q: float) -> float:
    """The value that at least a share ``q`` of the rows do not exceed, at the grid's resolution.

    Exact (numpy's ``inverted_cdf``) when the row lies on a grid point; between
    two points the rows are taken as evenly spread, up to the minimum and the
    maximum at the ends. NaN when there are no finite values.
    """
    if not isinstance(counts, NumericCounts) or not isinstance(grid, NumericGrid):
        raise TypeError("quantiles are of numeric features")
    reached = np.cumsum(interleaved(counts))
    n = int(reached[-1])
    if n == 0:
        return math.nan
    rank = max(1, math.ceil(q * n))
    cell = int(reached.searchsorted(rank))
    point, is_on = divmod(cell, 2)
    if is_on:
        return float(grid.points[point])
    low, high = _span(counts, grid, point)
    before = int(reached[cell - 1]) if cell else 0
    return low + (high - low) * (rank - before) / (int(reached[cell]) - before + 1)


def _span(counts: NumericCounts, grid: NumericGrid, interval: int) -> tuple[float, float]:
    """The ends of an open interval; those of the outer ones are the extreme values."""
    low = counts.minimum if interval == 0 else float(grid.points[interval - 1])
    high = counts.maximum if interval == len(grid.points) else float(grid.points[interval])
    return max(low, counts.minimum), min(high, counts.maximum)


def shares(table: NDArray[np.int64] | NDArray[np.floating]) -> NDArray[np.float64]:
    """Each row divided by its sum."""
    result: NDArray[np.float64] = table / table.sum(axis=1, keepdims=True)
    return result


def table_of(reference: Counts, current: Counts, grid: Grid, bins: int) -> Table:
    """The cells of a feature of either kind, without those that are empty in both rows."""
    if isinstance(reference, CategoricalCounts) and isinstance(current, CategoricalCounts):
        table = categorical_table(reference, current)
        return table[:, table.any(axis=0)]
    if isinstance(grid, CategoricalGrid):
        raise TypeError("a categorical grid needs categorical counts on both sides")
    return numeric_table(*numeric_pair(reference, current, "a distance on bins"), bins)
