"""The public door to counts: values, counting, merging and the stored form."""

from __future__ import annotations

from detectors.columns import Column
from detectors.counts_categorical import MAX_UNSEEN, CategoricalCounts, count_categorical
from detectors.counts_numeric import NumericCounts, count_numeric
from detectors.counts_wire import decode, encode
from detectors.grid import CategoricalGrid, Grid

__all__ = [
    "MAX_UNSEEN",
    "CategoricalCounts",
    "Counts",
    "NumericCounts",
    "count",
    "count_categorical",
    "count_numeric",
    "decode",
    "empty",
    "encode",
    "merge",
]

Counts = NumericCounts | CategoricalCounts


def count(grid: Grid, column: Column) -> Counts:
    """Count one batch of a feature on its grid."""
    if isinstance(grid, CategoricalGrid):
        return count_categorical(grid, column)
    return count_numeric(grid, column)


def empty(grid: Grid) -> Counts:
    """The counts of no rows: the identity of `merge`."""
    if isinstance(grid, CategoricalGrid):
        return CategoricalCounts.empty(grid)
    return NumericCounts.empty(grid)


def merge(first: Counts, second: Counts) -> Counts:
    """The counts of both parts; refuses a numeric and a categorical one."""
    if isinstance(first, NumericCounts) and isinstance(second, NumericCounts):
        return first.merge(second)
    if isinstance(first, CategoricalCounts) and isinstance(second, CategoricalCounts):
        return first.merge(second)
    raise TypeError(f"cannot merge {type(first).__name__} with {type(second).__name__}")
