"""How much more sums over stretches of rows vary than they would if rows were independent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import chdtri

from detectors.absence import is_present, split_present
from detectors.columns import Column
from detectors.counts import Counts
from detectors.grid import CategoricalGrid, Grid, cells_on
from detectors.scores import scores_of

CHANCE_NEAR, CHANCE_FAR = 1e-3, 1e-4
"""Variance that independent rows show so seldom is dependence: of rows that follow each other, of windows."""
TAIL = 0.05  # where there is dependence, the upper 95 % bound of what was estimated is used
LEAST_ROWS, MOST_SEGMENTS, LEAST_SEGMENTS = 20, 4096, 50  # of rows that follow each other
LEAST_WINDOWS = 5  # of a length, from which on they say how windows of that length vary
_NOTHING = 1e-6

Floats = NDArray[np.float64]
Whole = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """Scores of some rows, in the order of time: ``table[cells]`` has mean 0 and variance 1 over all rows.

    Each column of ``table`` is one direction into which a distribution may move; ``rows`` are the positions
    of the rows that ``cells`` are of. With ``parts``, the part of a cycle that each row is in, ``means`` has
    what is taken from the scores of a part's rows.
    """

    table: Floats
    cells: Whole
    rows: Whole
    parts: Whole | None = None
    means: Floats | None = None

    def sums(self, groups: Whole, size: int) -> Floats:
        """Add up the scores of each group of rows, one column for each direction."""
        each = [np.bincount(groups, self.scores(at), size) for at in range(self.table.shape[1])]
        return np.column_stack(each)

    def scores(self, direction: int) -> Floats:
        """The scores of all rows in one direction."""
        found: Floats = self.table[:, direction][self.cells]
        if self.parts is not None and self.means is not None:
            found = found - self.means[:, direction][self.parts]
        return found


def within(of: Directions, parts: Whole) -> Directions:
    """The same directions seen within each part of a cycle: there, too, the mean is 0; the variance is 1.

    ``parts`` is the part of every row. A direction that only the parts differ in has no variance left.
    """
    mine = parts[of.rows]
    of_part = np.maximum(np.bincount(mine), 1)
    means = of.sums(mine, len(of_part)) / of_part[:, None]
    apart = replace(of, parts=mine, means=means)
    spread = np.sqrt([np.mean(apart.scores(at) ** 2) for at in range(of.table.shape[1])])
    scale = np.where(spread > _NOTHING, 1.0 / np.maximum(spread, _NOTHING), 0.0)
    return replace(apart, table=of.table * scale, means=means * scale)


def value_directions(known: Counts, grid: Grid, column: Column) -> Directions | None:
    """Location, spread and every decile of a numeric feature, or every large category; None if constant."""
    scores = scores_of(known)
    if scores is None:
        return None
    values, _ = split_present(column)
    present = np.flatnonzero(is_present(column))
    if isinstance(grid, CategoricalGrid):
        return Directions(scores.directions(), _categories(grid, values), present)
    is_finite = np.isfinite(values)
    return Directions(scores.directions(), cells_on(grid.points, values[is_finite]), present[is_finite])


def absence_directions(is_absent: NDArray[np.bool_]) -> Directions | None:
    """Whether there is no value; None if there always or never is."""
    share = float(is_absent.mean()) if len(is_absent) else 0.0
    if share in {0.0, 1.0}:
        return None
    values = np.array([[-share], [1.0 - share]]) / math.sqrt(share * (1.0 - share))
    return Directions(values, is_absent.astype(np.intp), np.arange(len(is_absent)))


def design_effects(of: Directions | None, windows: Whole, slots: int = 0) -> tuple[float, ...]:
    """How many rows count as one independent row, in 1, 2, 4 ... windows put together; each at least 1.

    ``windows`` is the number of each row's window, ascending. The variance of sums over a stretch, relative
    to independent rows, is estimated from all stretches of that length (Bartlett's weights [1]_), in the
    direction in which it is largest: over a few dozen rows that follow each other, which is precise, and over
    windows, which sees what comes and goes slowly or in cycles. Without dependence the estimate is about
    chi-square distributed over its degrees of freedom. Up to what chance exceeds in one of 1,000 (of windows
    10,000) it is taken for 1; beyond that the upper 95 % bound counts, because at the levels of an alert
    budget a design effect that is a tenth too small makes several times as many false alarms.

    ``slots`` windows make a cycle, if scores are seen `within` its parts: that their means are 0 by making is
    taken into account.

    Empty when nothing can be estimated. The last entry holds for all longer windows, too. Assumes that the
    reference itself does not drift: what drift it has counts as dependence.

    References
    ----------
    .. [1] Newey, W. K. and West, K. D. (1987), A simple, positive semi-definite, heteroskedasticity and
       autocorrelation consistent covariance matrix, Econometrica 55.
    """
    if of is None or not len(of.rows):
        return ()
    of_rows = windows[of.rows]
    near = _near(of, len(of_rows) / (of_rows[-1] - of_rows[0] + 1.0))
    groups = of_rows - of_rows[0]
    return _effects(near, of.sums(groups, int(groups[-1]) + 1), np.bincount(groups), slots)


def window_effects(sums: Floats, rows: NDArray[np.int64]) -> tuple[float, ...]:
    """The same from windows alone: the sums of their scores in each direction, and their rows.

    A window without rows has zeros.
    """
    return _effects(None, sums, rows)


def _effects(
    near: _Inflation | None, sums: Floats, rows: NDArray[np.int64], slots: int = 0
) -> tuple[float, ...]:
    far = _far(sums, rows, slots)
    if near is None and not far:
        return ()
    base = np.ones(sums.shape[1]) if near is None else near.believed()
    lasts = np.zeros(sums.shape[1], np.bool_)
    for one in far:
        lasts |= one.exceeds(base, CHANCE_FAR)
    effects = [_worst(base, one, lasts) for one in far] or [float(base.max())]
    return tuple(round(effect, 3) for effect in effects)


@dataclass(frozen=True, slots=True, eq=False)
class _Inflation:
    """Variances of sums relative to independent rows, by direction, and what they were estimated from."""

    values: Floats
    freedom: float

    def exceeds(self, base: Floats, chance: float) -> NDArray[np.bool_]:
        """Whether chance alone would hardly make so much of ``base``."""
        result: NDArray[np.bool_] = self.values > base * chdtri(self.freedom, chance) / self.freedom
        return result

    def upper(self) -> Floats:
        """The upper 95 % bound."""
        result: Floats = self.values * self.freedom / chdtri(self.freedom, 1.0 - TAIL)
        return result

    def believed(self) -> Floats:
        """1 where there is no evidence against independence, else the upper bound."""
        return np.where(self.exceeds(np.ones(len(self.values)), CHANCE_NEAR), self.upper(), 1.0)


def _worst(base: Floats, far: _Inflation, lasts: NDArray[np.bool_]) -> float:
    """The largest of all directions: by windows where these show dependence; else by rows, if they do."""
    plain = np.where(base > 1.0, far.values, 1.0)
    return float(np.maximum(base, np.where(lasts, far.upper(), plain)).max())


def _near(of: Directions, window: float) -> _Inflation | None:
    """Over segments of rows that follow each other, as many as are usual, but no longer than a window."""
    rows = len(of.rows)
    length = max(LEAST_ROWS, -(-rows // MOST_SEGMENTS))
    segments = rows // length
    if segments < LEAST_SEGMENTS:
        return None
    groups = np.minimum(np.arange(rows) // length, segments - 1)
    width = 1 + int(4.0 * (segments / 100.0) ** (2.0 / 9.0))
    return _inflation(
        of.sums(groups, segments), np.bincount(groups), min(width, max(1, int(window) // length))
    )


def _far(sums: Floats, rows: NDArray[np.int64], slots: int) -> Sequence[_Inflation]:
    """Over 1, 2, 4 ... windows, as long as there are enough of these."""
    found, length = [], 1
    while length * LEAST_WINDOWS <= len(sums):
        found.append(_inflation(sums, rows, length, slots))
        length *= 2
    return found


def _inflation(sums: Floats, rows: NDArray[np.int64], length: int, slots: int = 0) -> _Inflation:
    """From all stretches of so many segments; that all, or each ``slots``-th, sum to 0 makes them smaller."""
    size = len(sums)
    reached = np.cumsum(np.pad(sums, ((length, length), (0, 0))), axis=0)
    stretches = reached[length:] - reached[:-length]
    variance = (stretches**2).sum(axis=0) / length / rows.sum() / (1.0 - max(length, slots) / size)
    alike = float(rows.sum()) ** 2 / float((rows.astype(np.float64) ** 2).sum())
    free = 1.0 - slots / size
    return _Inflation(variance, free * 3.0 * length * alike / (2.0 * length**2 + 1.0))


def _categories(grid: CategoricalGrid, values: NDArray[np.object_]) -> Whole:
    """The cells of texts: the known ones by the grid's order, all others last."""
    codes, texts = pd.factorize(values)
    last = len(grid.categories)
    cells = np.array([grid.index.get(text, last) for text in texts.tolist()], np.intp)
    return cells[codes]
