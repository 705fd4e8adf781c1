"""Evidence on counts of an experiment's variants, valid at every look: no looking schedule is needed.

An e-process is a non-negative process that starts at 1 and whose mean, when the hypothesis is true, never
exceeds 1 at any stopping time; that it ever reaches ``1 / alpha`` has a probability of at most alpha (Ville).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]

CONCENTRATIONS = (1.0, 100.0, 10_000.0)
"""How closely the alternatives lie around the expected shares: gross, visible and small departures."""
_CONCENTRATIONS = np.array(CONCENTRATIONS)[:, None]


def split_evidence(rows: IntArray, shares: Floats) -> float:
    """The logarithm of the evidence that rows are not dealt to the variants by these shares.

    Rows of a mixture of Dirichlet alternatives against the multinomial with the expected shares [1]_. The
    mean over concentrations of e-processes is one.

    References
    ----------
    .. [1] Lindon, M. and Malek, A. (2022), Anytime-valid inference for multinomial count data, NeurIPS 35.
    """
    expected = float(xlogy(rows, shares).sum())
    return _mixture(rows[None, :], shares) - expected


def dependence_evidence(table: IntArray, shares: Floats) -> float:
    """The logarithm of the evidence that a value tells something of the variant: bins by variants.

    When variants are dealt blindly, rows of every bin go to them by the same shares, whatever these are. The
    alternative has shares of its own for each bin; what is divided by is the best likelihood of common
    shares, which is at least that of the true ones, so the evidence is at most an e-process [1]_.

    References
    ----------
    .. [1] Wasserman, L., Ramdas, A. and Balakrishnan, S. (2020), Universal inference, PNAS 117.
    """
    of_variants = table.sum(axis=0)
    n = int(of_variants.sum())
    return _mixture(table, shares) - float(xlogy(of_variants, of_variants / max(n, 1)).sum())


def total_variation(table: IntArray) -> float:
    """The share of rows that would have to move for two variants (columns) to look alike; NaN for no rows."""
    rows = table.sum(axis=0)
    if not rows.all():
        return math.nan
    shares = table / rows
    return float(np.abs(shares[:, 0] - shares[:, 1]).sum() / 2.0)


def _mixture(table: IntArray, shares: Floats) -> float:
    """The log probability of the rows, each line by shares of its own, on the average of concentrations."""
    priors = _CONCENTRATIONS * shares
    of_parts: Floats = (gammaln(priors[:, None] + table) - gammaln(priors)[:, None]).sum(axis=(1, 2))
    wholes, rows = _CONCENTRATIONS * shares.sum(), table.sum(axis=1)
    of_lines: Floats = (gammaln(wholes) - gammaln(wholes + rows)).sum(axis=1)
    return float(np.logaddexp.reduce(of_parts + of_lines)) - math.log(len(priors))
