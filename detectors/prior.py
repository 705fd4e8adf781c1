"""The shares of the labels, estimated before the labels come, and the test that they are the reference's.

Two estimates: `detectors.prior_bbse.bbse` from the predictions alone and
`detectors.prior_em.em` from calibrated scores. Both assume label shift: P(Y)
may move, P(X given Y) may not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, chdtri

from detectors.result import TestResult

Shares = NDArray[np.float64]
Matrix = NDArray[np.float64]

Z = 1.959963984540054  # of a two-sided interval of 95 %
ALPHA = 0.05
MAX_HALF_WIDTH = (
    0.5  # an interval wider than this both ways holds half of all possible shares: it says nothing
)
ROUND_UP = 2.0  # standard errors from 0 or 1 within which the arcsine scale is not used


@dataclass(frozen=True, slots=True, eq=False)
class ShareEstimate:
    """The estimated shares of K classes among a window's labels, adding up to 1.

    ``low`` and ``high`` are 95 % intervals, each class by itself;
    ``covariance`` (K, K) is that of the shares, with the error of the window and
    that of the reference's matrix. ``statistic`` is the likelihood ratio statistic
    of "the shares are the reference's", chi-square with K - 1 degrees of freedom
    if they are. ``condition`` is the condition number of P(prediction given label),
    None when the method has none. ``rows`` are the window's rows that were used.

    When ``conclusive`` is False the shares must not be shown: ``note`` says why,
    and shares that could not be computed at all are NaN with the interval 0 to 1.
    """

    shares: Shares
    low: Shares
    high: Shares
    covariance: Matrix
    statistic: float
    condition: float | None
    conclusive: bool
    note: str
    rows: int


def nothing_known(classes: int, rows: int, note: str, condition: float | None = None) -> ShareEstimate:
    """An estimate that could not be computed."""
    unknown = np.full(classes, np.nan)
    return ShareEstimate(
        shares=unknown,
        low=np.zeros(classes),
        high=np.ones(classes),
        covariance=np.full((classes, classes), np.nan),
        statistic=0.0,
        condition=condition,
        conclusive=False,
        note=note,
        rows=rows,
    )


def multinomial_covariance(shares: NDArray[np.floating], rows: float) -> Matrix:
    """The covariance of the observed shares of ``rows`` independent rows."""
    covariance: Matrix = (np.diag(shares) - np.outer(shares, shares)) / rows
    return covariance


def interval(shares: Shares, errors: Shares) -> tuple[Shares, Shares]:
    """95 % intervals around shares with these standard errors, within 0 and 1.

    At each end the wider of two: the plain one, and the one that is symmetric on
    the scale of ``arcsin(sqrt(share))``, on which the error hardly depends on
    the share. The plain one alone is missed on the side of 1/2 in 4 to 7 % of the
    windows in which ten rows of the rare class are expected. Within two standard
    errors of 0 or 1 that scale bends too much, and the plain one stands alone.
    """
    low, high = shares - Z * errors, shares + Z * errors
    inside = np.minimum(shares, 1.0 - shares) > ROUND_UP * errors
    share, error = shares[inside], errors[inside]
    angle = np.arcsin(np.sqrt(share))
    half = Z * error / (2.0 * np.sqrt(share * (1.0 - share)))
    low[inside] = np.minimum(low[inside], np.sin(np.maximum(angle - half, 0.0)) ** 2)
    high[inside] = np.maximum(high[inside], np.sin(np.minimum(angle + half, math.pi / 2.0)) ** 2)
    return np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)


def standard_errors(covariance: Matrix) -> Shares:
    """The square roots of the diagonal."""
    errors: Shares = np.sqrt(np.maximum(np.diagonal(covariance), 0.0))
    return errors


def too_wide(errors: Shares) -> str:
    """The note on an interval that says nothing, or an empty text."""
    half = Z * float(errors.max())
    if half <= MAX_HALF_WIDTH:
        return ""
    return f"inconclusive: the shares are only known to within {100 * min(half, 1.0):.0f} points"


def sentences(notes: Iterable[str]) -> str:
    """The notes that there are, as one text."""
    return "; ".join(note for note in notes if note)


def share_test(
    estimate: ShareEstimate,
    reference_shares: Shares,
    reference_rows: int,
    design_effect: float = 1.0,
) -> TestResult:
    r"""How likely such an estimate is if the labels' shares are still those of the reference.

    The statistic is the likelihood ratio's, against chi-square with K - 1 degrees
    of freedom [1]_. A Wald test from the estimate's own covariance was tried and
    left: with ten rows of a rare class expected it raised false alarms in 7.5 %
    (wanted 5 %) and 2.8 % (wanted 1 %) of simulated windows, because a window with
    few such rows also claims a small error.

    The effect is the total variation between the estimated and the reference's
    shares. It moves by at most ``h = sqrt(q) / 2 * min(sum of errors, sqrt(K largest
    eigenvalue))`` inside the 95 % ellipsoid of the difference, ``q`` the chi-square
    quantile (for two classes the usual 1.96 errors): the interval is the effect
    plus and minus h. A design effect d counts d rows that resemble each other as one.

    Parameters
    ----------
    estimate
        What `bbse` or `em` say about the window.
    reference_shares
        Shape (K,), the classes' shares among the reference's labels.
    reference_rows
        The labels that those shares are from.
    design_effect
        At least 1.

    Returns
    -------
    TestResult
        Without p-value and effect, and with a note, when the estimate is not conclusive.

    Raises
    ------
    ValueError
        If estimate and reference are of different numbers of classes.

    References
    ----------
    .. [1] Wilks, S. S. (1938), The large-sample distribution of the likelihood
       ratio for testing composite hypotheses, Annals of Mathematical Statistics 9.
    """
    classes = len(estimate.shares)
    if reference_shares.shape != (classes,):
        raise ValueError(
            f"the estimate is of {classes} classes, the reference's shares of {reference_shares.shape}: "
            "give one share per class"
        )
    if not estimate.conclusive or reference_rows <= 0:
        note = sentences([estimate.note, "" if reference_rows > 0 else "no label in the reference"])
        return TestResult(0.0, None, None, None, None, reference_rows, estimate.rows, note=note)
    known = multinomial_covariance(reference_shares, reference_rows)
    covariance = (estimate.covariance + known) * design_effect
    effect = float(np.abs(estimate.shares - reference_shares).sum() / 2.0)
    half = _total_variation_error(covariance)
    statistic = estimate.statistic / design_effect
    return TestResult(
        statistic=statistic,
        p_value=float(chdtrc(classes - 1, statistic)),
        effect=effect,
        effect_low=max(0.0, effect - half),
        effect_high=min(1.0, effect + half),
        n_reference=reference_rows,
        n_current=estimate.rows,
        note=estimate.note,
    )


def _total_variation_error(covariance: Matrix) -> float:
    """How far the total variation can be from the true one inside the 95 % ellipsoid."""
    classes = len(covariance)
    quantile = float(chdtri(classes - 1, ALPHA))
    largest = float(np.linalg.eigvalsh(covariance)[-1])
    spread = min(float(standard_errors(covariance).sum()), math.sqrt(classes * max(largest, 0.0)))
    return math.sqrt(quantile) * spread / 2.0
