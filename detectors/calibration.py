"""Scores made into probabilities: isotonic regression on the reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Isotonic:
    """A rising function of the score: straight lines between knots, constant beyond the outer ones.

    The least-squares fit among all rising functions [1]_ to the share of positives at each
    distinct score, weighted with its rows (pool adjacent violators).

    References
    ----------
    .. [1] Zadrozny, B. and Elkan, C. (2002), Transforming classifier scores into accurate
       multiclass probability estimates, KDD 2002, section 3.
    """

    scores: FloatArray
    shares: FloatArray

    @classmethod
    def fit(cls, scores: FloatArray, is_positive: NDArray[np.bool_]) -> Self:
        """The fit to the scores of rows whose truth is known.

        Raises
        ------
        ValueError
            If there are no rows.
        """
        if not len(scores):
            raise ValueError("no row has both a score and a label: scores cannot be calibrated without")
        distinct, places, rows = np.unique(scores, return_inverse=True, return_counts=True)
        positives = np.bincount(places, is_positive, len(distinct))
        fitted = isotonic_regression(positives / rows, weights=rows.astype(np.float64)).x
        is_knot = np.ones(len(distinct), bool)
        is_knot[1:-1] = (fitted[1:-1] != fitted[:-2]) | (
            fitted[1:-1] != fitted[2:]
        )  # the ends of constant runs
        return cls(distinct[is_knot], np.clip(fitted[is_knot], 0.0, 1.0))

    def __call__(self, scores: FloatArray) -> FloatArray:
        """The calibrated probability of each score."""
        return np.interp(scores, self.scores, self.shares)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Isotonic):
            return NotImplemented
        return np.array_equal(self.scores, other.scores) and np.array_equal(self.shares, other.shares)

    __hash__ = None  # type: ignore[assignment]  # holds arrays


@dataclass(frozen=True, slots=True)
class Calibration:
    """One curve for the positive class, or one per class against the rest; none without scores."""

    curves: tuple[Isotonic, ...] = ()

    def posterior(self, scores: FloatArray) -> FloatArray:
        """Each row's probabilities of the classes, shape (n, classes), for scores of shape (n, curves).

        Several curves are normalised to a sum of one [1]_; a row for which all are zero keeps
        its own scores, or equal shares where these are zero too.

        References
        ----------
        .. [1] Zadrozny and Elkan (2002), as above, section 4.
        """
        if len(self.curves) == 1:
            positive = self.curves[0](scores[:, 0])
            return np.stack((1.0 - positive, positive), axis=1)
        shares = np.stack([curve(scores[:, at]) for at, curve in enumerate(self.curves)], axis=1)
        is_void = shares.sum(axis=1) <= 0.0
        if is_void.any():
            shares[is_void] = scores[is_void]
            shares[shares.sum(axis=1) <= 0.0] = 1.0
        normalised: FloatArray = shares / shares.sum(axis=1, keepdims=True)
        return normalised
