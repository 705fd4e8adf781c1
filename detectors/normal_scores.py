"""Numeric values as the normal scores that they have in the reference, in whole numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from detectors.absence import is_present
from detectors.cells import interleaved
from detectors.columns import Column
from detectors.counts import Counts, NumericCounts
from detectors.dictionary import Dictionary, Kind, Role
from detectors.grid import Grid, NumericGrid, cells_on

UNIT = 100.0  # a score of one standard deviation
FARTHEST = 3.0  # standard deviations: one row cannot move a correlation far

Matrix = NDArray[np.float64]


def varying(dictionary: Dictionary, counts: Mapping[str, Counts]) -> list[str]:
    """The numeric features that have two values, the most important first."""
    able = [
        name
        for name, feature in dictionary.used().items()
        if feature.kind is Kind.NUMERIC and feature.role is Role.FEATURE and _varies(counts[name])
    ]
    return sorted(able, key=lambda name: -(dictionary.features[name].importance or 0.0))


def _varies(counts: Counts) -> bool:
    return isinstance(counts, NumericCounts) and int(np.count_nonzero(interleaved(counts))) > 1


def cell_scores(counts: Counts) -> NDArray[np.int16]:
    """The normal quantile of each cell's middle rank, in hundredths, in the order of `interleaved`."""
    if not isinstance(counts, NumericCounts):
        raise TypeError("only numeric features have normal scores")
    cells = interleaved(counts)
    middle = (np.cumsum(cells) - cells / 2.0) / counts.n
    least = 0.5 / counts.n
    normal = ndtri(np.clip(middle, least, 1.0 - least))
    return np.rint(UNIT * np.clip(normal, -FARTHEST, FARTHEST)).astype(np.int16)


def scored(grid: Grid, scores: NDArray[np.int16], column: Column) -> tuple[Matrix, Matrix]:
    """Each row's score, 0 where there is no finite value, and 1 where there is one."""
    if not isinstance(grid, NumericGrid):
        raise TypeError("only numeric features have normal scores")
    known = np.isfinite(column.values) & is_present(column)
    values = np.where(known, column.values, 0.0)
    present = known.astype(np.float64)
    return scores[cells_on(grid.points, values)] * present, present
