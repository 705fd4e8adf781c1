"""The two-sample chi-square test of homogeneity on counts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtri

from detectors.cells import Table, categorical_table, shares, too_little_data
from detectors.counts import CategoricalCounts, Counts
from detectors.grid import CategoricalGrid, Grid
from detectors.hypergeometric import smaller_tail
from detectors.result import TestResult

MIN_EXPECTED = 5.0  # Cochran's rule
ALPHA = 0.05  # of the interval


@dataclass(frozen=True, slots=True)
class Pooled:
    """A table whose rare cells were put together.

    ``table`` has at least `MIN_EXPECTED` expected rows in every cell, if it has
    two cells. ``merged`` are the original cells that no longer stand alone.
    """

    table: Table
    merged: Table


class ChiSquare(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="chi2", tag_field="kind"):
    """Compares two distributions of a categorical feature, unseen categories included.

    The statistic is Pearson's over the pooled table, divided by the design
    effect (Rao and Scott's first-order correction [1]_). The effect is the total
    variation over all cells, the least share of rows that must have changed
    category; the plain estimate is too large when there are many categories and
    few rows, which ``effect_low`` takes into account.

    Notes
    -----
    Cells are pooled, the smallest first, until every expected count is 5
    [2]_. Which cells are pooled depends on the two rows together only, so that
    a category is not judged by being unseen. When nothing is pooled the p-value
    is that of `scipy.stats.chi2_contingency` without Yates' correction. Pooling
    could hide a new category in a small window; so whenever cells were merged,
    each of them is also tested by itself against all others (Fisher, tails
    doubled, Bonferroni over them), and the p-value is twice the smaller of the
    two. When not even two cells remain, the exact tests of all cells decide.

    References
    ----------
    .. [1] Rao, J. N. K. and Scott, A. J. (1981), The analysis of categorical
       data from complex sample surveys, JASA 76.
    .. [2] Cochran, W. G. (1954), Some methods for strengthening the common
       chi-square tests, Biometrics 10.
    """

    kind: ClassVar[str] = "chi2"
    is_distance: ClassVar[bool] = False
    threshold: ClassVar[float | None] = None

    def compare(
        self, reference: Counts, current: Counts, grid: Grid, design_effect: float = 1.0
    ) -> TestResult:
        if not isinstance(reference, CategoricalCounts) or not isinstance(current, CategoricalCounts):
            raise TypeError("chi2 compares categorical features; use ks for numeric ones")
        table = categorical_table(reference, current)
        n, m = (int(total) for total in table.sum(axis=1))
        if n == 0 or m == 0:
            return too_little_data(n, m)
        is_rest = np.zeros(table.shape[1], np.bool_)
        is_rest[-1] = not (isinstance(grid, CategoricalGrid) and grid.is_open)
        occurs = table.any(axis=0)
        statistic, p_value, note = _test(table[:, occurs], is_rest[occurs], design_effect)
        effect, low, high = total_variation_interval(table[:, occurs], design_effect)
        return TestResult(statistic, p_value, effect, low, high, n, m, note=note)


def _test(table: Table, is_rest: NDArray[np.bool_], design_effect: float) -> tuple[float, float, str]:
    """The statistic, its p-value and a note about what was pooled."""
    pooled = pool(table, is_rest)
    alone = table[:, ~is_rest] if pooled.table.shape[1] < 2 else pooled.merged  # noqa: PLR2004
    if pooled.table.shape[1] < 2:  # noqa: PLR2004
        statistic = pearson(table) / design_effect
        return statistic, smallest_exact_p(alone, table, design_effect), "too few rows for chi2: exact tests"
    statistic = pearson(pooled.table) / design_effect
    p_value = float(chdtrc(pooled.table.shape[1] - 1, statistic))
    if not pooled.merged.size:
        return statistic, p_value, ""
    p_value = min(1.0, 2.0 * min(p_value, smallest_exact_p(alone, table, design_effect)))
    return statistic, p_value, f"{pooled.merged.shape[1]} rare categories pooled"


def pool(table: Table, is_rest: NDArray[np.bool_]) -> Pooled:
    """Put rare cells together, the smallest first, until every expected count is 5.

    A rest cell (the unseen categories beyond the cap) always goes to the pool:
    it is made of categories that are each as rare as those.
    """
    totals = table.sum(axis=0)
    n, m = (int(row) for row in table.sum(axis=1))
    needed = MIN_EXPECTED * (n + m) / min(n, m)
    order = np.lexsort((totals, ~is_rest))
    rare = int(np.count_nonzero(is_rest | (totals < needed)))
    if rare == 0:
        return Pooled(table, table[:, :0])
    reached = np.cumsum(totals[order])
    taken = max(rare, int(reached.searchsorted(needed)) + 1)
    cells = table[:, order]
    together = cells[:, :taken].sum(axis=1, keepdims=True)
    merged = order[:taken][~is_rest[order[:taken]]] if taken > 1 else order[:0]
    return Pooled(np.concatenate([together, cells[:, taken:]], axis=1), table[:, merged])


def pearson(table: Table) -> float:
    """Pearson's statistic of homogeneity; 0.0 for a single cell."""
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(((table - expected) ** 2 / expected).sum())


def smallest_exact_p(cells: Table, table: Table, design_effect: float = 1.0) -> float:
    """Test each cell by itself against all others; the smallest p-value times their number.

    With a design effect every count is divided by it and rounded: fewer rows
    that agree stand for the many that repeat each other.
    """
    if cells.shape[1] == 0 or table.shape[1] < 2:  # noqa: PLR2004
        return 1.0
    n, m = (round(float(total) / design_effect) for total in table.sum(axis=1))
    left, right = np.rint(cells / design_effect)
    tails = smaller_tail(right, left + right, n, m)
    tests = 1 if table.shape[1] == 2 else cells.shape[1]  # noqa: PLR2004  # two cells mirror each other
    return float(min(1.0, 2.0 * tails.min() * tests))


def total_variation_interval(table: Table, design_effect: float = 1.0) -> tuple[float, float, float]:
    """The total variation of two samples and a 95 % interval of that of their distributions.

    The estimate is never too small on average (Jensen), and at most
    ``sum_j sqrt(p_j (1 - p_j) / n + q_j (1 - q_j) / m) / 2`` too large (Cauchy-
    Schwarz in each cell, shares plugged in); around its mean it moves by
    McDiarmid's inequality with steps of ``1 / n`` and ``1 / m`` [1]_. So one lower
    bound is the estimate without that bias and half-width. Another is the least
    difference of any one cell (see `_surest_cell`), which is sharp when few of
    many cells moved. The larger of the two is the lower end, each with half of
    its 2.5 %.

    References
    ----------
    .. [1] McDiarmid, C. (1989), On the method of bounded differences, Surveys
       in Combinatorics.
    """
    p, q = shares(table)
    rows = table.sum(axis=1) / design_effect
    effect = float(np.abs(p - q).sum() / 2.0)
    bias = float(np.sqrt(p * (1.0 - p) / rows[0] + q * (1.0 - q) / rows[1]).sum() / 2.0)
    upper, lower = (math.sqrt(math.log(k / ALPHA) / 2.0 * float((1.0 / rows).sum())) for k in (2.0, 4.0))
    low = max(0.0, effect - bias - lower, _surest_cell(table / design_effect))
    return effect, min(effect, low), min(1.0, effect + upper)


def _surest_cell(table: NDArray[np.float64]) -> float:
    """The largest lower bound of a cell's difference of shares, Bonferroni over cells; may be negative.

    Agresti and Caffo's interval [1]_: one row is added to each side of each cell and one to the others.

    References
    ----------
    .. [1] Agresti, A. and Caffo, B. (2000), Simple and effective confidence intervals for proportions and
       differences of proportions result from adding two successes and two failures, American Statistician 54.
    """
    cells = 1 if table.shape[1] <= 2 else table.shape[1]  # noqa: PLR2004  # two cells mirror each other
    rows = table.sum(axis=1, keepdims=True) + 2.0
    share = (table + 1.0) / rows
    error = np.sqrt((share * (1.0 - share) / rows).sum(axis=0))
    return float((np.abs(share[0] - share[1]) - ndtri(1.0 - ALPHA / 8.0 / cells) * error).max())
