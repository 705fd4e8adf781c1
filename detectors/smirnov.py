"""The distribution of the two-sample Kolmogorov-Smirnov statistic when nothing moved."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import kstwo

EXACT_CELLS = 500_000  # n * m up to which lattice paths are counted (about 5 ms)
MAX_LOG_PATHS = 700.0  # the number of paths has to fit a float64: exp(709) is the end
TAIL_ROWS = 140  # from here on ...
TAIL_SQUARE = 2.2  # ... and above this n * D^2, two one-sided tails are the two-sided one
TAIL_TERMS = 4096
EXACT_STIRLING = 16  # below, the error of Stirling's formula is not given by its series


def p_value(distance: int, n: int, m: int, design_effect: float = 1.0) -> float:
    """The probability of at least this ``D * n * m`` when both samples are of one distribution."""
    if design_effect == 1.0 and n * m <= EXACT_CELLS and _log_paths(n, m) <= MAX_LOG_PATHS:
        return exact_p(distance, n, m)
    return asymptotic_p(distance / (n * m), n, m, design_effect)


def exact_p(distance: int, n: int, m: int) -> float:
    """The share of lattice paths from (0, 0) to (n, m) that touch ``|i m - j n| >= distance``.

    Touching paths are counted, not avoiding ones: only positive numbers are
    added, so that the smallest p-values keep their relative precision.
    """
    if distance == 0:
        return 1.0
    short, long = sorted((n, m))
    column = np.arange(long + 1) * short
    every = np.ones(long + 1)
    touching = (column >= distance).astype(np.float64)
    for row in range(1, short + 1):
        every = np.cumsum(every)  # binomial(row + j, row)
        low, high = np.searchsorted(column, [row * long - distance + 1, row * long + distance])
        inside = np.cumsum(touching[low:high])
        if low > 0:
            inside += every[low - 1]
        touching = every.copy()
        touching[low:high] = inside
    return float(min(1.0, touching[-1] / every[-1]))


def asymptotic_p(statistic: float, n: int, m: int, design_effect: float = 1.0) -> float:
    """The two-sided tail of the one-sample statistic at ``n m / (n + m) / design_effect`` rows, rounded.

    What `scipy.stats.ks_2samp` calls asymptotic; scipy's sum for the far tail
    takes seconds for a million rows, the one here does not.
    """
    effective = max(1, round(n * m / (n + m) / design_effect))
    if effective > TAIL_ROWS and effective * statistic**2 >= TAIL_SQUARE:
        return min(1.0, 2.0 * one_sided_tail(statistic, effective))
    return float(np.clip(kstwo.sf(statistic, effective), 0.0, 1.0))


def one_sided_tail(statistic: float, n: int) -> float:
    """P(sup(F_n - F) >= D), from Birnbaum and Tingey's sum [1]_.

    The term for v is ``D / p`` times the binomial probability of v successes
    in n trials of probability ``p = D + v / n``, computed from Stirling's
    series as Loader does [2]_. Seen as a function of ``v / n`` the terms vanish
    at both ends with all their derivatives, so that every k-th one, k times, has
    the same sum to the last digits.

    References
    ----------
    .. [1] Birnbaum, Z. W. and Tingey, F. H. (1951), One-sided confidence
       contours for probability distribution functions, Annals of
       Mathematical Statistics 22.
    .. [2] Loader, C. (2000), Fast and accurate computation of binomial
       probabilities.
    """
    stride = max(1, n // TAIL_TERMS)
    step = n * statistic
    v = np.arange(stride, n, stride, dtype=np.float64)
    v = v[n - v > step]
    rest = n - v
    exponent = v * np.log1p(step / v) + rest * np.log1p(-step / rest)
    exponent += _stirling_error(np.array([float(n)])) - _stirling_error(v) - _stirling_error(rest)
    terms = np.exp(exponent) * np.sqrt(n / (2.0 * math.pi * v * rest)) * step / (step + v)
    first = math.exp(n * math.log1p(-statistic)) if statistic < 1.0 else 0.0
    return stride * float(terms.sum()) + first


def _stirling_error(k: NDArray[np.float64]) -> NDArray[np.float64]:
    """``log(k!)`` without Stirling's formula for it."""
    square = 1.0 / (k * k)
    error = (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - square / 1680.0) * square) * square) / k
    few = k[k < EXACT_STIRLING]
    error[k < EXACT_STIRLING] = (
        gammaln(few + 1.0) - (few + 0.5) * np.log(few) + few - 0.5 * math.log(2.0 * math.pi)
    )
    return error


def _log_paths(n: int, m: int) -> float:
    """The logarithm of the number of lattice paths, binomial(n + m, n)."""
    return math.lgamma(n + m + 1) - math.lgamma(n + 1) - math.lgamma(m + 1)
