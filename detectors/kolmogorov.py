"""The two-sample Kolmogorov-Smirnov test on counts."""

from __future__ import annotations

import math
from typing import ClassVar

import msgspec
import numpy as np
from scipy.special import kolmogi

from detectors.cells import interleaved, numeric_pair, too_little_data
from detectors.counts import Counts, NumericCounts
from detectors.grid import Grid
from detectors.result import TestResult
from detectors.smirnov import p_value

QUANTILE = float(kolmogi(0.05))  # 1.358


class KolmogorovSmirnov(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="ks", tag_field="kind"):
    """Compares two distributions of a numeric feature by ``D = sup |F_ref - F_cur|``.

    D is exact when of both samples at most one has values between two grid
    points, as with an unthinned reference; else it is at most ``bound`` below the
    exact D. It is also the effect: the least share of rows that must have moved.
    Values that are not finite are not compared: they are the matter of data
    quality.

    Notes
    -----
    The p-value is exact for small samples without ties (conservative with
    ties), from lattice paths [1]_; otherwise from the distribution of the
    one-sample statistic at ``n m / (n + m)`` rows, rounded, as in
    `scipy.stats.ks_2samp`. The interval is D plus and minus the 95 % quantile of
    Kolmogorov's distribution at ``n m / (n + m)`` rows: how far the difference of
    two independent empirical distributions is from that of the true ones [2]_. A
    design effect divides both sample sizes in the p-value and in the interval,
    never in the statistic.

    References
    ----------
    .. [1] Hodges, J. L. (1958), The significance probability of the Smirnov
       two-sample test, Arkiv for Matematik 3.
    .. [2] Wei, F. and Dudley, R. M. (2012), Two-sample Dvoretzky-Kiefer-Wolfowitz
       inequalities, Statistics and Probability Letters 82.
    """

    kind: ClassVar[str] = "ks"
    is_distance: ClassVar[bool] = False
    threshold: ClassVar[float | None] = None

    def compare(
        self, reference: Counts, current: Counts, grid: Grid, design_effect: float = 1.0
    ) -> TestResult:
        del grid
        left, right = numeric_pair(reference, current, "ks")
        n, m = left.n, right.n
        if n == 0 or m == 0:
            return too_little_data(n, m)
        distance = scaled_distance(left, right)
        statistic = distance / (n * m)
        bound = max(0, largest_scaled_distance(left, right) - distance) / (n * m)
        half = half_width(n / design_effect, m / design_effect)
        return TestResult(
            statistic=statistic,
            p_value=p_value(distance, n, m, design_effect),
            effect=statistic,
            effect_low=max(0.0, statistic - half),
            effect_high=min(1.0, statistic + half + bound),
            n_reference=n,
            n_current=m,
            bound=bound,
        )


def scaled_distance(reference: NumericCounts, current: NumericCounts) -> int:
    """``D * n * m`` as an exact integer, over every point and its two limits."""
    left, right = np.cumsum(interleaved(reference)), np.cumsum(interleaved(current))
    n, m = int(left[-1]), int(right[-1])
    at = int(np.abs(left / n - right / m).argmax())
    return abs(int(left[at]) * m - int(right[at]) * n)


def largest_scaled_distance(reference: NumericCounts, current: NumericCounts) -> int:
    """The largest ``D * n * m`` that the counts allow: in an interval all rows of one side may come first.

    As shares, above the D of the counts by at most the larger share of the two samples in one interval.
    """
    left, right = (np.concatenate(([0], np.cumsum(interleaved(side)))) for side in (reference, current))
    n, m = int(left[-1]), int(right[-1])
    before, after = slice(0, -1, 2), slice(1, None, 2)  # of each interval
    largest = 0
    for one, other in ((left[after], right[before]), (left[before], right[after])):
        at = int(np.abs(one / n - other / m).argmax())
        largest = max(largest, abs(int(one[at]) * m - int(other[at]) * n))
    return largest


def half_width(n: float, m: float) -> float:
    """How far D of two samples of n and m independent rows is from the true one, with 95 %."""
    return QUANTILE * math.sqrt(1.0 / n + 1.0 / m)
