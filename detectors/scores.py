"""Scores of a feature's values whose sums over rows tell whether, and how, its distribution has moved."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, kolmogi, ndtri

from detectors.cells import interleaved
from detectors.counts import CategoricalCounts, Counts, NumericCounts

BINS = 10
LEAST_SHARE = 0.5 / BINS
"""Cells with a smaller share of the reference are joined with a neighbour: sums of theirs are not normal."""

UNSURE = 0.05

TRUSTED = 1.25
WEIGHTS = (0.6, 0.15)
"""How much of the evidence is sought in location and in spread; the rest is sought in the bins."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Component:
    """Columns that are looked at together: ``rank`` are independent, ``weight`` is how much they matter.

    ``skewness`` is that of a single column over the reference.
    """

    begin: int
    end: int
    rank: int
    weight: float
    skewness: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """A row of scores for every cell of a feature's counts; over the reference each column has mean 0.

    Numeric features have the normal score of the mid-rank (van der Waerden: location), its square made
    uncorrelated with it (Klotz: scale), each with variance 1 [1]_, and bins of about equal reference mass;
    categorical ones have bins of categories, small ones pooled. A bin's column is ``(1 - p) / sqrt(p)`` in
    the bin and ``-sqrt(p)`` outside it, so that n times the squared length of their mean over n rows is
    Pearson's chi-square.

    References
    ----------
    .. [1] Hajek, J., Sidak, Z. and Sen, P. K. (1999), Theory of Rank Tests, 2nd ed., chapter 4.
    """

    matrix: Floats
    components: tuple[Component, ...]
    shares: Floats
    is_ordered: bool

    @property
    def width(self) -> int:
        return int(self.matrix.shape[1])

    def sums(self, counts: Counts, table: Floats | None = None) -> Floats:
        """The sum of the scores of all values that were counted, or of what the table has for their cells."""
        cells = _cells(counts, len(self.matrix))
        result: Floats = cells @ (self.matrix if table is None else table)
        return result

    def moved(self, means: Floats) -> float:
        """The least share of rows that must have moved for scores to have these means.

        Kolmogorov's D at the ends of the bins, or how far the mean spread has moved if that says more; of
        categories the total variation of the bins.
        """
        change = self._change(means)
        if self.is_ordered:
            return max(float(np.abs(np.cumsum(change)).max()), self._moved_in_spread(means))
        return float(np.abs(change).sum() / 2.0)

    def _moved_in_spread(self, means: Floats, unsure: float = 0.0, n: float = 1.0, m: float = 1.0) -> float:
        """The least share of rows that must have moved for spread to have this mean.

        A share t of the rows changes a mean by at most t times the score's range, and the mean square, which
        was 1, by at most t times the largest square. This gives the t for which the mean is just so many
        standard errors away, if n and m rows differ so.
        """
        if self.width - len(self.shares) < len(WEIGHTS):
            return 0.0
        spread, mean = self.matrix[:, 1], abs(float(means[1]))
        furthest, largest = float(np.ptp(spread)), float((spread**2).max())
        squared = unsure**2
        rest = mean**2 - squared * (1.0 / n + 1.0 / m)
        if rest <= 0.0:
            return 0.0
        half = mean * furthest + squared * largest / n / 2.0
        return (half - math.sqrt(max(0.0, half**2 - furthest**2 * rest))) / furthest**2

    def interval(self, means: Floats, n: float, m: float) -> tuple[float, float]:
        """The least and the most that `moved` can be, with 95 %, where n and m independent rows differ so.

        Kolmogorov's D is no less than the average of the distribution functions' difference over the ends of
        the bins: how far the mean rank has moved, which is known better than D itself. Of a few rows that
        went far out the mean spread says most. Half of what may be unsure goes to the mean rank, three tenths
        to D, two to the mean spread. Of a total variation: the most that it changes inside the 95 %
        ellipsoid of all shares.
        """
        change, moved = self._change(means), self.moved(means)
        p, per_row = self.shares, math.sqrt(1.0 / n + 1.0 / m)
        if not self.is_ordered:
            furthest = float(min(np.sqrt(p * (1.0 - p)).sum(), np.sqrt(len(p) * p.max())) / 2.0)
            half = furthest * math.sqrt(chdtri(len(p) - 1, UNSURE)) * per_row
            return max(0.0, moved - half), min(1.0, moved + half)
        half = float(kolmogi(0.3 * UNSURE)) * per_row
        ranks = np.arange(len(p))[::-1] / (len(p) - 1)
        deviation = math.sqrt(float(p @ ranks**2) - float(p @ ranks) ** 2)
        of_ranks = abs(float(ranks @ change)) - float(ndtri(1.0 - 0.25 * UNSURE)) * deviation * per_row
        in_spread = self._moved_in_spread(means, float(ndtri(1.0 - 0.1 * UNSURE)), n, m)
        return max(0.0, moved - half, of_ranks, in_spread), min(1.0, moved + half)

    def _change(self, means: Floats) -> Floats:
        """The differences of the bins' shares."""
        change: Floats = means[-len(self.shares) :] * np.sqrt(self.shares)
        return change

    def directions(self) -> Floats:
        """For every cell, columns of mean 0 and variance 1 over the reference: the moments, then the bins.

        Of an ordered feature "at most so much", at the end of each bin; of categories whether it is the bin.
        """
        moments = self.width - len(self.shares)
        inside, shares = self.matrix[:, moments:] * np.sqrt(self.shares), self.shares
        if self.is_ordered:
            inside, shares = np.cumsum(inside, axis=1)[:, :-1], np.cumsum(shares)[:-1]
        return np.hstack([self.matrix[:, :moments], inside / np.sqrt(shares * (1.0 - shares))])

    def spread(self, means: Floats) -> Floats:
        """How many times the reference's variances those of rows with these mean scores may be, at least 1.

        By the largest ratio of a bin's shares, which bounds the second moment of every score. Ratios up to
        `TRUSTED` are taken for chance.
        """
        ratios = 1.0 + means[..., -self.shares.shape[-1] :] / np.sqrt(self.shares)
        largest: Floats = ratios.max(axis=-1)
        return np.where(largest > TRUSTED, largest, 1.0)


def scores_of(reference: Counts) -> Scores | None:
    """The scores of a feature; None when the reference has no two different values."""
    if reference.n == 0:
        return None
    if isinstance(reference, NumericCounts):
        return _numeric(interleaved(reference) / reference.n, reference.n)
    return _categorical(_cells(reference, len(reference.known) + 1) / reference.n)


def _cells(counts: Counts, size: int) -> Floats:
    """The counts in the order of the scores; unknown categories are one cell."""
    if isinstance(counts, CategoricalCounts):
        cells = np.append(counts.known, counts.n - int(counts.known.sum()))
    else:
        cells = interleaved(counts)
    if len(cells) != size:
        raise ValueError(f"counts of {len(cells)} cells do not fit scores of {size}")
    return cells.astype(np.float64)


def _numeric(mass: Floats, n: int) -> Scores | None:
    ranks = np.cumsum(mass) - mass / 2.0
    location = ndtri(np.clip(ranks, 0.5 / n, 1.0 - 0.5 / n))
    columns = [np.ones(len(mass))]
    for raw in (location, location**2):
        column = standardised(raw, columns, mass)
        if column is not None:
            columns.append(column)
    bins = _bins(np.minimum((ranks * BINS).astype(int), BINS - 1), mass)
    if bins is None:
        return None
    moments = columns[1:]
    weights = WEIGHTS[: len(moments)]
    skews = [float((column**3 * mass).sum()) for column in moments]
    parts = [Component(i, i + 1, 1, *each) for i, each in enumerate(zip(weights, skews, strict=True))]
    indicators, shares = bins
    rest = Component(len(moments), len(moments) + len(shares), len(shares) - 1, 1.0 - sum(weights))
    return Scores(np.column_stack([*moments, indicators]), (*parts, rest), shares, is_ordered=True)


def _categorical(mass: Floats) -> Scores | None:
    """Bins of the largest categories, by falling share, and of all others together."""
    large = np.flatnonzero(mass[:-1] >= LEAST_SHARE)[: BINS - 1]
    bin_of = np.full(len(mass), len(large))
    bin_of[large] = np.arange(len(large))
    bins = _bins(bin_of, mass)
    if bins is None:
        return None
    indicators, shares = bins
    return Scores(indicators, (Component(0, len(shares), len(shares) - 1, 1.0),), shares, is_ordered=False)


def standardised(raw: Floats, columns: list[Floats], mass: Floats) -> Floats | None:
    """Make a column uncorrelated with those before it, of variance 1; None when nothing is left."""
    rest = raw
    for column in columns:
        rest = rest - (rest * column * mass).sum() * column
    deviation = np.sqrt((rest**2 * mass).sum())
    return None if deviation < 1e-6 else rest / deviation  # noqa: PLR2004


def _bins(bin_of: NDArray[np.intp], mass: Floats) -> tuple[Floats, Floats] | None:
    """The columns of the bins and their shares; bins too small are joined with the one before, or after."""
    shares = np.bincount(bin_of, mass, bin_of.max() + 1)
    starts = [0]
    total = 0.0
    for i, share in enumerate(shares):
        if total >= LEAST_SHARE and shares[i:].sum() >= LEAST_SHARE:
            starts.append(i)
            total = 0.0
        total += share
    joined = np.searchsorted(starts, np.arange(len(shares)), side="right") - 1
    bin_of = joined[bin_of]
    shares = np.bincount(bin_of, mass, len(starts))
    if len(shares) < 2:  # noqa: PLR2004
        return None
    inside = bin_of[:, None] == np.arange(len(shares))
    columns: Floats = (inside - shares) / np.sqrt(shares)
    return columns, shares.astype(np.float64)
