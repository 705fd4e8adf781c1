"""Features cut into bins that are groups of the cells of the reference's own grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.absence import is_present
from detectors.cells import interleaved
from detectors.columns import Column, Columns
from detectors.counts import CategoricalCounts, Counts, NumericCounts, count
from detectors.grid import CategoricalGrid, Grid, NumericGrid, cells_on

IntArray = NDArray[np.int64]
Places = NDArray[np.intp]

NUMERIC_BINS = 24
NAMED_CATEGORIES = 30


class Binning(msgspec.Struct, frozen=True):
    """The bins of one feature; the last one holds the cells without a usable value.

    Numeric: ``cuts`` are the cells (as `detectors.cells.interleaved` numbers them) at which
    the second and every further bin begins. Categorical: ``named`` categories
    have a bin each, the one after them holds all others, unseen ones too.
    """

    name: str
    cuts: tuple[int, ...] = ()
    named: int = 0
    is_numeric: bool = True

    @property
    def size(self) -> int:
        return len(self.cuts) + 2 if self.is_numeric else self.named + 2


def binnings(grids: Mapping[str, Grid], columns: Columns, rows: NDArray[np.bool_]) -> Iterator[Binning]:
    """The bins of every feature with a grid, a column and values that can be told apart in these rows."""
    for name, grid in grids.items():
        if name not in columns:
            continue
        if isinstance(grid, CategoricalGrid):
            if grid.categories:
                yield Binning(name, named=min(NAMED_CATEGORIES, len(grid.categories)), is_numeric=False)
            continue
        found = count(grid, columns[name].take(rows))
        if isinstance(found, NumericCounts) and found.n:
            yield Binning(name, _cuts(found))


def _cuts(counts: NumericCounts) -> tuple[int, ...]:
    """Where the reached share of the rows passes a multiple of one over the number of bins."""
    reached = np.cumsum(interleaved(counts))
    wanted = np.arange(1, NUMERIC_BINS) * counts.n
    cuts = np.unique(np.searchsorted(reached * NUMERIC_BINS, wanted, side="right"))
    return tuple(cuts[(cuts > 0) & (reached[cuts - 1] > 0)].tolist())


def bin_of_rows(binning: Binning, grid: Grid, column: Column) -> Places:
    """The bin of each row."""
    if isinstance(grid, NumericGrid):
        values = column.values
        is_known = np.isfinite(values) & is_present(column)
        cells = cells_on(grid.points, values)
        bins = np.asarray(binning.cuts, np.int64).searchsorted(cells, "right")
        return np.where(is_known, bins, binning.size - 1)
    known = {text: min(at, binning.named) for text, at in grid.index.items()}
    cells_of = [
        binning.size - 1 if value is None else known.get(value, binning.named) for value in column.values
    ]
    return np.array(cells_of, np.intp)


def bins_of_counts(binning: Binning, counts: Counts) -> IntArray:
    """The rows of a window in each bin; as many as summing `bin_of_rows` over them gives.

    Raises
    ------
    ValueError
        If the counts are of another kind of feature than the bins.
    """
    if isinstance(counts, NumericCounts) and binning.is_numeric:
        reached = np.concatenate(([0], np.cumsum(interleaved(counts))))
        ends = reached[np.array([0, *binning.cuts, len(reached) - 1])]
        return np.array([*np.diff(ends), counts.rows - counts.n], np.int64)
    if isinstance(counts, CategoricalCounts) and not binning.is_numeric:
        named = counts.known[: binning.named]
        return np.array([*named, counts.n - int(named.sum()), counts.rows - counts.n], np.int64)
    raise ValueError(f"the counts of {binning.name!r} are of another kind than in the reference")
