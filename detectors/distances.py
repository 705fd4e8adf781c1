"""Distances between two counts: reported, and a verdict only against a threshold of the user's."""

from __future__ import annotations

import math
from typing import ClassVar

import msgspec
import numpy as np
from scipy.special import rel_entr

from detectors.cells import Table, interleaved, numeric_pair, shares, table_of, too_little_data
from detectors.counts import CategoricalCounts, Counts, NumericCounts
from detectors.grid import Grid, NumericGrid
from detectors.result import TestResult

BINS = 10  # cells of about equal reference mass for numeric features
PSEUDO_COUNT = 0.5
NOTE = "a distance, not a test"


class _Distance(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """What distances have in common: an optional threshold and no p-value."""

    threshold: float | None = None

    is_distance: ClassVar[bool] = True

    def compare(
        self, reference: Counts, current: Counts, grid: Grid, design_effect: float = 1.0
    ) -> TestResult:
        """The distance of two counts; a design effect does not change it."""
        del design_effect
        n, m = reference.n, current.n
        if n == 0 or m == 0:
            return too_little_data(n, m)
        distance = self.between(reference, current, grid)
        return TestResult(distance, None, None, None, None, n, m, note=NOTE)

    def between(self, reference: Counts, current: Counts, grid: Grid) -> float:
        """The distance when both sides have values."""
        raise NotImplementedError


class Psi(_Distance, frozen=True, tag="psi"):
    """Population stability index over cells, ``sum (q - p) ln(q / p)`` [1]_.

    Every cell gets half a row more on both sides (Krichevsky and Trofimov's
    estimate), so that an empty cell counts as rare, not as impossible. All
    unseen categories are one cell. Without any drift PSI is still about the
    number of cells times ``1 / n + 1 / m``: the usual limits of 0.1 and 0.25
    are for large samples.

    References
    ----------
    .. [1] Siddiqi, N. (2006), Credit Risk Scorecards, Wiley.
    """

    kind: ClassVar[str] = "psi"

    def between(self, reference: Counts, current: Counts, grid: Grid) -> float:
        return psi(table_of(_nameless(reference), _nameless(current), grid, BINS))


class JensenShannon(_Distance, frozen=True, tag="js"):
    """Jensen-Shannon distance over cells: the root of the divergence to base 2 [1]_, from 0 to 1.

    References
    ----------
    .. [1] Endres, D. M. and Schindelin, J. E. (2003), A new metric for
       probability distributions, IEEE Transactions on Information Theory 49.
    """

    kind: ClassVar[str] = "js"

    def between(self, reference: Counts, current: Counts, grid: Grid) -> float:
        return jensen_shannon(table_of(reference, current, grid, BINS))


class TotalVariation(_Distance, frozen=True, tag="tv"):
    """Total variation over cells: the share of rows that changed cell, from 0 to 1."""

    kind: ClassVar[str] = "tv"

    def between(self, reference: Counts, current: Counts, grid: Grid) -> float:
        return total_variation(table_of(reference, current, grid, BINS))


class Wasserstein(_Distance, frozen=True, tag="wasserstein"):
    """The area between the two distribution functions of a numeric feature, in its own unit.

    Exact when all values lie on grid points. Rows between two points are taken
    as evenly spread there, rows beyond the ends as evenly spread up to the
    extreme values of both sides.
    """

    kind: ClassVar[str] = "wasserstein"

    def between(self, reference: Counts, current: Counts, grid: Grid) -> float:
        left, right = numeric_pair(reference, current, "wasserstein")
        if not isinstance(grid, NumericGrid):
            raise TypeError("wasserstein compares numeric features, on a numeric grid")
        return wasserstein(left, right, grid)


def psi(table: Table) -> float:
    """The population stability index of the two rows, smoothed by half a row a cell."""
    p, q = shares(table + PSEUDO_COUNT)
    return float(((q - p) * np.log(q / p)).sum())


def jensen_shannon(table: Table) -> float:
    """The Jensen-Shannon distance of the two rows, to base 2."""
    p, q = shares(table)
    middle = (p + q) / 2.0
    divergence = float(rel_entr(p, middle).sum() + rel_entr(q, middle).sum()) / 2.0
    return math.sqrt(min(1.0, max(0.0, divergence / math.log(2.0))))


def total_variation(table: Table) -> float:
    """Half the sum of the differences of the two rows' shares."""
    p, q = shares(table)
    return float(np.abs(p - q).sum() / 2.0)


def wasserstein(reference: NumericCounts, current: NumericCounts, grid: NumericGrid) -> float:
    """The integral of ``|F_ref - F_cur|``, both linear between the points of the grid."""
    gap = np.cumsum(interleaved(reference)) / reference.n - np.cumsum(interleaved(current)) / current.n
    start = np.concatenate([[0.0], gap[1::2]])  # at each interval's left end, its point included
    end = gap[0::2]  # at its right end, the next point excluded
    lowest = min(reference.minimum, current.minimum)
    highest = max(reference.maximum, current.maximum)
    widths = np.maximum(np.diff(np.concatenate([[lowest], grid.points, [highest]])), 0.0)
    size = np.abs(start) + np.abs(end)
    crossing = np.divide(start**2 + end**2, size, out=np.zeros_like(size), where=size > 0.0)
    height = np.where(start * end < 0.0, crossing, size)
    return float((widths * height).sum() / 2.0)


def _nameless(counts: Counts) -> Counts:
    """The counts with all unseen categories in one cell."""
    if isinstance(counts, NumericCounts):
        return counts
    return CategoricalCounts(counts.known, {}, counts.other + sum(counts.unseen.values()))
