"""The two-sample Kolmogorov-Smirnov test on counts."""

from __future__ import annotations

import math
from typing import ClassVar

import msgspec
import numpy as np

from detectors.cells import interleaved, numeric_pair, too_little_data
from detectors.counts import Counts, NumericCounts
from detectors.grid import Grid
from detectors.result import TestResult
from detectors.smirnov import p_value

CONFIDENCE = 0.95


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
    `scipy.stats.ks_2samp`. The interval adds the Dvoretzky-Kiefer-Wolfowitz
    bounds with Massart's constant [2]_ of both samples, each at 97.5 %, so that
    95 % hold for both whatever the dependence between the samples. A design
    effect divides both sample sizes in the p-value and in the interval, never
    in the statistic.

    References
    ----------
    .. [1] Hodges, J. L. (1958), The significance probability of the Smirnov
       two-sample test, Arkiv for Matematik 3.
    .. [2] Massart, P. (1990), The tight constant in the
       Dvoretzky-Kiefer-Wolfowitz inequality, Annals of Probability 18.
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
        half = dkw_half_width(n, design_effect) + dkw_half_width(m, design_effect)
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


def dkw_half_width(n: int, design_effect: float = 1.0) -> float:
    """How far an empirical distribution of n rows is from the true one, with 97.5 %."""
    alpha = (1.0 - CONFIDENCE) / 2.0
    return math.sqrt(math.log(2.0 / alpha) * design_effect / (2.0 * n))
