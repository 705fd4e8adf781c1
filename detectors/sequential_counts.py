"""A window's counts as rows, for detectors that want them one by one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.clustering import absent
from detectors.counts import Counts, NumericCounts
from detectors.grid import NumericGrid

Floats = NDArray[np.float64]

_MOST = 10**9  # rows that numpy draws from; counts of more are scaled down


@dataclass(frozen=True, slots=True, eq=False)
class Tallied:
    """Values from 0 to 1, and how many rows have each; ``dropped`` rows have none.

    ``is_ranked`` values are shares of the reference's rows that are smaller.
    """

    values: Floats
    rows: NDArray[np.int64]
    dropped: int = 0
    is_ranked: bool = False

    @classmethod
    def absences(cls, counts: Counts) -> Self:
        """1 for each row without a value (key missing, null, NaN), 0 for the others."""
        nulls = absent(counts)
        return cls(np.array([0.0, 1.0]), np.array([counts.rows - nulls, nulls], np.int64))

    @classmethod
    def amounts(cls, counts: NumericCounts, grid: NumericGrid, reference: NumericCounts) -> Self:
        """The finite values themselves if all of the reference's are from 0 to 1, else their ranks.

        A value between two points of the grid is taken to lie half way.
        """
        is_share = reference.n > 0 and reference.minimum >= 0.0 and reference.maximum <= 1.0
        values = np.concatenate(_shares(grid) if is_share else _ranks(reference))
        rows = np.concatenate((counts.on, counts.between))
        return cls(values, rows, counts.rows - counts.n, not is_share)

    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation; those of fair coins where there are no rows."""
        total = int(self.rows.sum())
        if not total:
            return 0.5, 0.5
        mean = float(self.values @ self.rows) / total
        return mean, float(np.sqrt((self.values - mean) ** 2 @ self.rows / total))

    def drawn(self, at_most: int, seed: str) -> Floats:
        """So many of the rows, or all, drawn without replacement, in an order that the seed alone decides.

        If the rows are exchangeable, as independent ones are, so are these: to detectors they are as good
        as rows in the order in which they came. What is lost is where in the window a change lies.
        """
        digest = hashlib.blake2b(seed.encode(), digest_size=16).digest()
        rng = np.random.default_rng(np.frombuffer(digest, "<u4").tolist())
        rows = self.rows // (1 + int(self.rows.sum()) // _MOST)
        if rows.sum() > at_most:
            rows = rng.multivariate_hypergeometric(rows, at_most, method="marginals")
        values: Floats = np.repeat(self.values, rows)
        rng.shuffle(values)
        return values


def _shares(grid: NumericGrid) -> tuple[Floats, Floats]:
    """The points of the grid, and the middles between them and 0 and 1."""
    points = np.clip(grid.points, 0.0, 1.0)
    edges = np.concatenate(([0.0], points, [1.0]))
    return points, (edges[:-1] + edges[1:]) / 2.0


def _ranks(reference: NumericCounts) -> tuple[Floats, Floats]:
    """Each point's and each gap's place: the reference's share below it and half of the share in it."""
    cells = np.zeros(len(reference.on) + len(reference.between), np.float64)
    cells[0::2], cells[1::2] = reference.between, reference.on
    places = (cells.cumsum() - cells / 2.0) / max(1, reference.n)
    return places[1::2], places[0::2]
