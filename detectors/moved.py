"""How a feature moved, ready to be put into words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detectors.cells import Table, categorical_table, quantile, shares
from detectors.counts import CategoricalCounts, Counts, NumericCounts
from detectors.grid import CategoricalGrid, Grid
from detectors.kolmogorov import scaled_distance

TOP = 5  # categories with the largest change
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def moved(reference: Counts, current: Counts, grid: Grid) -> dict[str, Any]:
    """A JSON-able summary: quantiles and D, or the categories that gained or lost most.

    A share or median is None where a side has no values.
    """
    if isinstance(reference, NumericCounts) and isinstance(current, NumericCounts):
        return _numeric(reference, current, grid)
    if (
        isinstance(reference, CategoricalCounts)
        and isinstance(current, CategoricalCounts)
        and isinstance(grid, CategoricalGrid)
    ):
        return _categorical(reference, current, grid)
    raise TypeError("both counts and the grid have to be of one kind")


def _numeric(reference: NumericCounts, current: NumericCounts, grid: Grid) -> dict[str, Any]:
    n, m = reference.n, current.n
    quantiles = [_quantile(reference, current, grid, q) for q in QUANTILES]
    median = quantiles[QUANTILES.index(0.5)]
    return {
        "kind": "numeric",
        "median_reference": median["reference"],
        "median_current": median["current"],
        "quantiles": quantiles,
        "share_moved": scaled_distance(reference, current) / (n * m) if n and m else None,
    }


def _quantile(
    reference: NumericCounts, current: NumericCounts, grid: Grid, q: float
) -> dict[str, float | None]:
    before, now = (_finite(quantile(counts, grid, q)) for counts in (reference, current))
    return {"q": q, "reference": before, "current": now}


def _categorical(
    reference: CategoricalCounts, current: CategoricalCounts, grid: CategoricalGrid
) -> dict[str, Any]:
    names = [*grid.categories, *sorted({*reference.unseen, *current.unseen})]
    table = categorical_table(reference, current)
    if not (reference.n and current.n):
        return {"kind": "categorical", "changes": [], "unseen": None}
    unseen = sum(current.unseen.values()) + (0 if grid.is_open else current.other)
    return {"kind": "categorical", "changes": _changes(names, table), "unseen": unseen / current.n}


def _changes(names: list[str], table: Table) -> list[dict[str, Any]]:
    """The named categories with the largest change of share, largest first, ties in the table's order."""
    before, now = shares(table)[:, :-1]
    order = np.argsort(-np.abs(now - before), kind="stable")[:TOP]
    return [
        {"category": names[at], "reference": float(before[at]), "current": float(now[at])}
        for at in order.tolist()
        if before[at] != now[at]
    ]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
