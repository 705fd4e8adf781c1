"""Two variants' means compared as often as one likes: confidence sequences, and which is probably better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from detectors.moments import Moments

Floats = NDArray[np.float64]
_POINTS = 4_000


@dataclass(frozen=True, slots=True)
class Looking:
    """How intervals are made: with which error, where they are tightest, and from how many rows on.

    Both variants together have ``tightest_at`` values where the interval is about as short as it can be.
    ``min_rows`` of each variant are needed: the error is held in the limit of many rows.
    """

    alpha: float
    tightest_at: int
    min_rows: int

    @property
    def variance(self) -> float:
        """The mixture's rho squared [1]_, in appendix B.2.

        References
        ----------
        .. [1] Waudby-Smith, I., Arbour, D., Sinha, R., Kennedy, E. H. and Ramdas, A. (2024), Time-uniform
           central limit theory and asymptotic confidence sequences, Annals of Statistics 52.
        """
        twice = -2.0 * math.log(self.alpha)
        return (twice + math.log1p(twice)) / self.tightest_at

    def radius(self, n: int) -> float:
        """How many standard deviations of one value the interval reaches to each side, after n values."""
        spread = n * self.variance + 1.0
        return math.sqrt(2.0 * spread / (n * n * self.variance) * math.log(math.sqrt(spread) / self.alpha))


@dataclass(frozen=True, slots=True)
class Difference:
    """A treatment's mean less the control's, and that in parts of the control's, each with its interval.

    What is not known is None, and ``note`` says why. The intervals hold at all looks together.
    """

    difference: float | None
    low: float | None = None
    high: float | None = None
    lift: float | None = None
    lift_low: float | None = None
    lift_high: float | None = None
    note: str = ""


def difference(control: Moments, treatment: Moments, looking: Looking) -> Difference:
    """Compare two means; the rows of both are independent, and each went to either by chance.

    The difference of means is asymptotically the mean of all rows' influences, so the asymptotic confidence
    sequence for a mean holds for it [1]_ (theorem 2.2 and section 3). The lift's interval holds the ratios of
    means that such a sequence does not exclude (Fieller), so it is not approximated again.

    References
    ----------
    .. [1] Waudby-Smith, I. et al. (2024), as for `Looking.variance`.
    """
    if not (control.n and treatment.n):
        return Difference(None, note="no values of one of the variants")
    apart = treatment.mean - control.mean
    least = min(control.n, treatment.n)
    if least < looking.min_rows:
        return Difference(apart, note=f"{least} values, {looking.min_rows} are needed")
    before, after = control.variance / control.n, treatment.variance / treatment.n
    if not before + after > 0.0:
        return Difference(apart, note="all values are the same")
    n = control.n + treatment.n
    wide = looking.radius(n) * math.sqrt(n)
    reach = wide * math.sqrt(before + after)
    lift = _lift(control.mean, treatment.mean, before, after, wide * wide)
    return Difference(apart, apart - reach, apart + reach, *lift)


def _lift(
    control: float, treatment: float, before: float, after: float, square: float
) -> tuple[float | None, float | None, float | None]:
    """The difference in parts of the control's mean; unknown where that may be zero."""
    leading = control * control - square * before
    if not leading > 0.0:
        return None, None, None
    middle, last = control * treatment, treatment * treatment - square * after
    root = math.sqrt(max(middle * middle - leading * last, 0.0))
    ratios = (middle / (control * control), (middle - root) / leading, (middle + root) / leading)
    at, low, high = (math.copysign(1.0, control) * (ratio - 1.0) for ratio in ratios)
    return at, min(low, high), max(low, high)


def probabilities_of_best(
    arms: Sequence[Moments], looking: Looking, *, higher_is_better: bool
) -> tuple[float, ...] | None:
    """How probable it is of each variant that its mean is the best, given the data: Bayesian, not sequential.

    Each mean has a normal prior around the mean of all rows, whose variance is that of the confidence
    sequence's mixture (`Looking.variance` times the variance of a row), and a normal likelihood. None where
    a variant has too few values, or none vary.
    """
    if min(arm.n for arm in arms) < max(looking.min_rows, 2):
        return None
    pooled = sum(arm.sum for arm in arms) / sum(arm.n for arm in arms)
    weights = [arm.n * looking.variance / (1.0 + arm.n * looking.variance) for arm in arms]
    sign = 1.0 if higher_is_better else -1.0
    means = [
        sign * (pooled + weight * (arm.mean - pooled)) for arm, weight in zip(arms, weights, strict=True)
    ]
    spreads = [math.sqrt(weight * arm.variance / arm.n) for arm, weight in zip(arms, weights, strict=True)]
    if not sum(spreads) > 0.0:
        return None
    return _best(np.array(means), np.array(spreads))


def _best(means: Floats, spreads: Floats) -> tuple[float, ...]:
    """The probability of each of these independent normals to be the largest."""
    if len(means) == 2:  # noqa: PLR2004  # exactly
        first = float(ndtr((means[0] - means[1]) / math.hypot(*spreads)))
        return first, 1.0 - first
    points = ndtri((np.arange(_POINTS) + 0.5) / _POINTS)
    found = []
    for at in range(len(means)):
        drawn = means[at] + spreads[at] * points
        others = np.delete(np.arange(len(means)), at)
        above = (drawn[:, None] - means[others]) / np.maximum(spreads[others], 1e-300)
        found.append(float(ndtr(above).prod(axis=1).mean()))
    return tuple(share / sum(found) for share in found)
