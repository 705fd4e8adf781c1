"""Exact tails of the hypergeometric distribution, for thousands of cells at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

Values = NDArray[np.float64]

_NEGLIGIBLE = 1e-17


def smaller_tail(hits: Values, totals: Values, n: int, m: int) -> Values:
    """Give the smaller of P(X <= hits) and P(X >= hits) for each cell.

    X is how many of a cell's ``totals`` rows are among ``m``, drawn out of ``n + m`` without replacement.

    Notes
    -----
    The probability of ``hits`` itself is a product of binomial ones, which keep their relative precision
    [1]_; the tail on the side away from the mean is summed from there by the ratio of neighbours, until what
    is left is below the precision of a float. The other tail is what remains. That takes some tens of terms,
    however many rows there are; `scipy.stats.hypergeom` goes through all primes below their number.

    References
    ----------
    .. [1] Loader, C. (2000), Fast and accurate computation of binomial probabilities.
    """
    if n + m == 0:
        return np.ones_like(hits)
    share = m / (n + m)
    others = binom.pmf(m - hits, n + m - totals, share)
    term = first = binom.pmf(hits, totals, share) * others / binom.pmf(m, n + m, share)
    is_below = hits * (n + m) <= totals * m
    step = np.where(is_below, -1.0, 1.0)
    tail, at = first, hits
    while True:
        ways = np.where(is_below, at * (n - totals + at), (totals - at) * (m - at))
        of = np.where(is_below, (totals - at + 1) * (m - at + 1), (at + 1) * (n - totals + at + 1))
        term = term * ways / of
        if not (term > _NEGLIGIBLE * tail).any():
            return np.minimum(tail, 1.0 - tail + first)
        tail, at = tail + term, at + step
