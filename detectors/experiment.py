"""An experiment on a model's stream: what its variants are, and what is counted of each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.cells import quantile
from detectors.columns import Column, Columns, Presence
from detectors.counts import Counts
from detectors.dictionary import Dictionary
from detectors.experiment_sums import Arms, Codes
from detectors.grid import CategoricalGrid, Grid
from detectors.moments import Moments
from detectors.segments import grids_within

BINS = 10
"""A numeric column's bins hold about as many rows of the reference each; of categories the first so many."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Experiment:
    """Variants of a model on one stream, the control first, and the shares of rows that they should get.

    ``edges`` are the bins of numeric columns, ``categories`` those of all others. Bin 0 has the rows without
    a value; a numeric value is in the bin whose upper edge it does not exceed.
    """

    name: str
    variants: tuple[str, ...]
    shares: tuple[float, ...]
    edges: Mapping[str, Floats]
    categories: Mapping[str, tuple[str, ...]]

    @classmethod
    def on(
        cls,
        name: str,
        variants: tuple[str, ...],
        shares: tuple[float, ...],
        dictionary: Dictionary,
        grids: Mapping[str, Grid],
        counts: Mapping[str, Counts],
        variant_column: str = "",
    ) -> Self:
        """Lay the bins out by a reference; the column that tells the variants apart has none."""
        edges: dict[str, Floats] = {}
        categories: dict[str, tuple[str, ...]] = {}
        for column, grid in grids_within(dictionary, grids, variant_column).items():
            if isinstance(grid, CategoricalGrid):
                categories[column] = grid.categories[:BINS]
            else:
                cuts = [quantile(counts[column], grid, at / BINS) for at in range(1, BINS)]
                edges[column] = np.unique([cut for cut in cuts if np.isfinite(cut)])
        return cls(name, variants, shares, edges, categories)

    @property
    def signature(self) -> str:
        """What sums have to agree in to be of one experiment; bins are the reference's affair."""
        facts = msgspec.json.encode((self.name, self.variants, self.shares))
        return hashlib.blake2b(facts, digest_size=8).hexdigest()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are looked at."""
        return (*self.edges, *self.categories)

    @property
    def sizes(self) -> Mapping[str, int]:
        """How many bins each column has."""
        numeric = {name: len(edges) + 2 for name, edges in self.edges.items()}
        return numeric | {name: len(known) + 2 for name, known in self.categories.items()}

    def empty(self) -> Arms:
        """The sums of no rows."""
        size = len(self.variants)
        tables = {name: np.zeros((bins, size), np.int64) for name, bins in self.sizes.items()}
        return Arms(self.signature, np.zeros(size, np.int64), 0, tables, (Moments(),) * size)

    def codes_of(self, variants: NDArray[np.object_]) -> Codes:
        """Each row's variant: its place among all, from 1 on; 0 for a row of none of them."""
        place = {name: at for at, name in enumerate(self.variants, 1)}.get
        return np.fromiter((place(name, 0) for name in variants.tolist()), np.uint8, len(variants))

    def summarise(
        self, columns: Columns, variants: NDArray[np.object_], metric: Floats | None = None
    ) -> Arms:
        """Sum up one batch of rows; ``metric`` is each row's, where it comes with the prediction."""
        codes = self.codes_of(variants)
        among = codes > 0
        of_rows, size = codes[among].astype(np.intp) - 1, len(self.variants)
        tables = {}
        for name, bins in self.sizes.items():
            column = columns.get(name)
            cells = np.zeros(len(codes), np.intp) if column is None else self._bins(name, column)
            found = np.bincount(cells[among] * size + of_rows, minlength=bins * size)
            tables[name] = found.reshape(bins, size).astype(np.int64)
        rows = np.bincount(of_rows, minlength=size).astype(np.int64)
        moments = (
            (Moments(),) * size
            if metric is None
            else tuple(Moments.of(metric[codes == at]) for at in range(1, size + 1))
        )
        return Arms(self.signature, rows, int(len(codes) - among.sum()), tables, moments)

    def _bins(self, name: str, column: Column) -> NDArray[np.intp]:
        """Each row's bin."""
        if name in self.edges:
            return _numeric_bins(self.edges[name], column)
        known = self.categories[name]
        place = {value: at for at, value in enumerate(known, 1)}
        place_of, rest = place.get, len(known) + 1
        return np.fromiter(
            (0 if value is None else place_of(value, rest) for value in column.values.tolist()),
            np.intp,
            len(column),
        )


def _numeric_bins(edges: Floats, column: Column) -> NDArray[np.intp]:
    cells = edges.searchsorted(column.values, "left").astype(np.intp) + 1
    is_absent = np.isnan(column.values)
    if column.presence is not None:
        is_absent |= column.presence != Presence.PRESENT
    cells[is_absent] = 0
    return cells
