"""Scores of values by their rank among those of the same hours, so that evidence adds up over a cycle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from detectors.cells import interleaved
from detectors.counts import Counts, NumericCounts
from detectors.e_detector import Level
from detectors.scores import BINS, WEIGHTS, Component, Scores, scores_of, standardised

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SeasonalScores:
    """Scores whose mean is 0 over what a window's own hours look like, whichever these are.

    ``base`` says how they are looked at: which belong together, and the shares of the bins. Of a numeric
    feature ranks are those among the values that are expected, so a score means the same at any hour; the
    bins are tenths of them, and a value that fills several counts in each for its part. Of a categorical one
    the bins are those of the whole reference, and what is expected of them is taken from them.
    """

    base: Scores

    def level(self, expected: Counts, current: Counts, design_effect: float) -> Level:
        """What a window's rows are worth: as many as count as independent, and their sums.

        Rows count for less where few are expected: what their hours look like is known only so well. Sums do
        not vary more than those of so many independent rows of variance 1.
        """
        n, m = expected.n, current.n
        if not n or not m:
            return Level.empty(self.base.width)
        if isinstance(expected, NumericCounts) and isinstance(current, NumericCounts):
            sums, spread = interleaved(current) @ _by_rank(interleaved(expected) / n, n), 1.0
        else:
            mean = self.base.sums(expected) / n
            sums = self.base.sums(current) - m * mean
            spread = max(1.0, float((1.0 + mean / np.sqrt(self.base.shares)).max()))
        share = n / (n + m) / design_effect / spread
        return Level(m * share, sums * share)


def seasonal_scores_of(whole: Counts) -> SeasonalScores | None:
    """The scores of a feature; None when the reference has no two different values."""
    found = scores_of(whole)
    if found is None or not isinstance(whole, NumericCounts):
        return None if found is None else SeasonalScores(found)
    shares = np.full(BINS, 1.0 / BINS)
    mass = interleaved(whole) / whole.n
    matrix = _by_rank(mass, whole.n)
    skews = [float((column**3 * mass).sum()) for column in matrix.T]
    parts = [Component(at, at + 1, 1, weight, skews[at]) for at, weight in enumerate(WEIGHTS)]
    bins = Component(len(WEIGHTS), len(WEIGHTS) + BINS, BINS - 1, 1.0 - sum(WEIGHTS))
    return SeasonalScores(Scores(matrix, (*parts, bins), shares, is_ordered=True))


def _by_rank(mass: Floats, n: int) -> Floats:
    """For every cell location, spread and bins of its rank; a column that cannot tell anything is 0."""
    until = np.cumsum(mass)
    middle = until - mass / 2.0
    location = ndtri(np.clip(middle, 0.5 / n, 1.0 - 0.5 / n))
    columns = [np.ones(len(mass))]
    for raw in (location, location**2):
        column = standardised(raw, columns, mass)
        columns.append(np.zeros(len(mass)) if column is None else column)
    begin, end = (until - mass)[:, None], until[:, None]
    edges = np.arange(BINS + 1) / BINS
    inside = np.clip(np.minimum(end, edges[1:]) - np.maximum(begin, edges[:-1]), 0.0, None)
    filled = np.divide(inside, mass[:, None], out=np.zeros_like(inside), where=mass[:, None] > 0.0)
    empty = np.flatnonzero(mass == 0.0)
    filled[empty, np.minimum((middle[empty] * BINS).astype(int), BINS - 1)] = 1.0
    bins = (filled - 1.0 / BINS) / np.sqrt(1.0 / BINS)
    return np.column_stack([*columns[1:], bins])
