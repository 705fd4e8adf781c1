"""The labels' shares from calibrated scores, by expectation maximisation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.prior import (
    Matrix,
    ShareEstimate,
    Shares,
    interval,
    nothing_known,
    sentences,
    standard_errors,
    too_wide,
)

TOLERANCE = 1e-7  # largest change of a share in the last iteration
MAX_ITERATIONS = 10_000
FLAT = 1e-9  # information per row below which the likelihood does not depend on the shares


def em(
    n: NDArray[np.int64],
    posterior: Matrix,
    reference_shares: Shares,
    reference_rows: int | None = None,
) -> ShareEstimate:
    r"""Estimate the labels' shares in a window without labels, by maximum likelihood [1]_.

    Rows come in G groups whose scores are alike. A group's calibrated posterior
    over the reference's shares is its likelihood, up to a factor. From the
    reference's shares, `E` weighs each posterior by the present shares and `M`
    averages, until no share changes by `TOLERANCE`. What is left to go is then at
    most `TOLERANCE` over the share of the label's information that the scores hold.

    The covariance is the inverse of the observed Fisher information per row, T, over
    the rows, plus ``T (sum_k shares_k^2 / n_k Var(score given k)) T`` for posteriors
    that were calibrated on ``n_k`` reference labels of class k: the score is
    ``posterior_k / reference_share_k / mixture``. Simulated coverage of the
    intervals without the second part falls to 39 % when the window is larger than
    the reference. The posteriors must be calibrated without overfitting
    (isotonic, not a histogram of 50 bins on 40 positives: coverage 68 %).

    The test statistic is the likelihood ratio's, divided by 1 + rows / reference rows.

    Assumes label shift (P(X given Y) unchanged) and calibrated posteriors.

    Parameters
    ----------
    n
        Shape (G,), the window's rows of each group.
    posterior
        Shape (G, K), the mean calibrated posterior of each group; a factor common
        to a whole group cancels. Rows of a group whose posterior is not finite,
        negative or all zero are left out; the note says how many.
    reference_shares
        Shape (K,), positive, the classes' shares in the data of the calibration.
    reference_rows
        How many labels the posteriors were calibrated on; None: take them as exact.

    Returns
    -------
    ShareEstimate
        Not conclusive, with a note, when no row is left, a class has no share in
        the reference, the likelihood is flat (scores that do not depend on the
        label), it did not converge, or an interval is wider than 0.5 both ways.

    Raises
    ------
    ValueError
        If the shapes do not agree, or a count or share is negative.

    References
    ----------
    .. [1] Saerens, M., Latinne, P. and Decaestecker, C. (2002), Adjusting the
       outputs of a classifier to new a priori probabilities: a simple procedure,
       Neural Computation 14, equations 2.9 and 2.10.

    Examples
    --------
    >>> groups = np.array([[0.9, 0.1], [0.2, 0.8]])
    >>> em(np.array([600, 400]), groups, np.array([0.8, 0.2])).shares.round(3).tolist()
    [0.32, 0.68]
    """
    classes = _checked(n, posterior, reference_shares)
    total = posterior.sum(axis=1)
    usable = np.isfinite(total) & (total > 0.0) & (posterior >= 0.0).all(axis=1)
    left_out = _left_out(int(n[~usable].sum()))
    kept = usable & (n > 0)
    rows = int(n[kept].sum())
    if rows == 0 or not (reference_shares > 0.0).all():
        note = "no row with a usable score" if rows == 0 else _missing(reference_shares)
        return nothing_known(classes, rows, sentences([note, left_out]))
    prior = reference_shares / reference_shares.sum()
    return _estimate(n[kept] / rows, posterior[kept] / prior, prior, rows, reference_rows, left_out)


def _estimate(
    weights: Shares, ratios: Matrix, prior: Shares, rows: int, reference_rows: int | None, left_out: str
) -> ShareEstimate:
    """The estimate from the shares of the groups and their posteriors over the prior."""
    shares, converged = _maximise(weights, ratios, prior)
    per_row = _inverse_information(weights, ratios, shares)
    if per_row is None:
        note = "inconclusive: the scores do not depend on the label, every share is as likely"
        return nothing_known(len(prior), rows, sentences([note, left_out]))
    covariance, known = per_row / rows, 1.0
    if reference_rows is not None:
        noise = _calibration_noise(weights, ratios, shares, prior * max(reference_rows, 1))
        covariance = covariance + per_row @ noise @ per_row
        known += rows / max(reference_rows, 1)
    errors = standard_errors(covariance)
    low, high = interval(shares, errors)
    doubt = "" if converged else f"inconclusive: not converged after {MAX_ITERATIONS:,} iterations"
    doubt = doubt or too_wide(errors)
    gain = 2.0 * rows * float(weights @ np.log((ratios @ shares) / (ratios @ prior)))
    return ShareEstimate(
        shares=shares,
        low=low,
        high=high,
        covariance=covariance,
        statistic=max(0.0, gain / known),
        condition=None,
        conclusive=not doubt,
        note=sentences([doubt, left_out]),
        rows=rows,
    )


def _checked(n: NDArray[np.int64], posterior: Matrix, reference_shares: Shares) -> int:
    """The number of classes."""
    classes = len(reference_shares)
    if reference_shares.shape != (classes,) or posterior.shape != (len(n), classes) or classes < 2:  # noqa: PLR2004
        raise ValueError(
            f"rows of shape {n.shape}, posteriors of shape {posterior.shape} and shares of shape "
            f"{reference_shares.shape} do not belong together: give (G,), (G, K) and (K,), K at least 2"
        )
    lowest = float(np.min([*n, *reference_shares]))
    if not 0.0 <= lowest < np.inf:
        raise ValueError(f"{lowest} among the rows of groups and the reference's shares: give 0 or more")
    return classes


def _maximise(weights: Shares, ratios: Matrix, prior: Shares) -> tuple[Shares, bool]:
    """The shares of highest likelihood, and whether the iteration got there."""
    shares = prior
    for _ in range(MAX_ITERATIONS):
        found = shares * ((weights / (ratios @ shares)) @ ratios)
        found /= found.sum()
        if np.abs(found - shares).max() < TOLERANCE:
            return found, True
        shares = found
    return shares, False


def _scores(ratios: Matrix, shares: Shares) -> Matrix:
    """The derivative of a group's log-likelihood in each share, (G, K)."""
    scores: Matrix = ratios / (ratios @ shares)[:, None]
    return scores


def _inverse_information(weights: Shares, ratios: Matrix, shares: Shares) -> Matrix | None:
    """The inverse of one row's observed information among shares that add up to 1; None if it is singular."""
    scores = _scores(ratios, shares)
    directions = np.vstack([np.eye(len(shares) - 1), -np.ones(len(shares) - 1)])
    slopes = scores @ directions
    information = (slopes * weights[:, None]).T @ slopes
    if np.linalg.eigvalsh(information)[0] < FLAT:
        return None
    inverse: Matrix = directions @ np.linalg.inv(information) @ directions.T
    return inverse


def _calibration_noise(weights: Shares, ratios: Matrix, shares: Shares, labels: Shares) -> Matrix:
    """The error of the score's mean that comes from posteriors calibrated on so many labels of each class.

    The groups' shares within a class are those of the window, each row attributed
    to the classes by its posterior: under label shift they are the reference's too.
    """
    scores = _scores(ratios, shares)
    noise = np.zeros((len(shares), len(shares)))
    for label, share in enumerate(shares):
        within = weights * scores[:, label]
        if within.sum() <= 0.0:
            continue
        within = within / within.sum()
        centred = scores - within @ scores
        noise += share**2 / labels[label] * ((centred * within[:, None]).T @ centred)
    return noise


def _missing(reference_shares: Shares) -> str:
    absent = [str(at) for at in np.flatnonzero(reference_shares == 0.0)]
    return f"inconclusive: no label of class {', '.join(absent)} (counted from 0) in the reference"


def _left_out(rows: int) -> str:
    return f"{rows:,} {'row' if rows == 1 else 'rows'} without a usable score left out" if rows else ""
