"""How numeric features go together: sums of products, from which the correlations of any stretch follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.columns import Columns
from detectors.counts import Counts
from detectors.dictionary import Dictionary
from detectors.grid import Grid
from detectors.normal_scores import Matrix, cell_scores, scored, varying

MAX_FEATURES = 100  # whose pairs are looked at: 4,950
SPREAD_ROWS, ROWS_AT_ONCE = 100_000, 50_000
PART = ":pairs"

IntMatrix = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Pairing:
    """Which features are paired, each one's whole-numbered score in every cell of its grid, and `spread`.

    The score is the normal quantile of the cell's middle rank in the reference, in hundredths. So sums are
    exact whatever their order, and correlations are those of a normal copula: monotone changes of a feature's
    unit do not matter, and outliers do not either.
    """

    names: tuple[str, ...]
    scores: tuple[NDArray[np.int16], ...]
    spread: Matrix

    @classmethod
    def of(
        cls, dictionary: Dictionary, grids: Mapping[str, Grid], counts: Mapping[str, Counts], columns: Columns
    ) -> Self:
        """Take the numeric features that have two values; of too many the most important, then the first."""
        able = varying(dictionary, counts)[:MAX_FEATURES]
        names = tuple(name for name in grids if name in able)
        blank = cls(names, tuple(cell_scores(counts[name]) for name in names), np.zeros((0, 0)))
        step = max(1, len(next(iter(columns.values()))) // SPREAD_ROWS)
        sample = {name: columns[name].take(slice(None, None, step)) for name in names}
        return replace(blank, spread=spread(*blank.matrix(grids, sample)))

    def sums(self, grids: Mapping[str, Grid], columns: Columns) -> PairSums:
        """Add up a batch, in steps so that a large one takes no more memory."""
        total = PairSums.empty(len(self.names))
        size = len(columns[self.names[0]]) if self.names else 0
        for begin in range(0, size, ROWS_AT_ONCE):
            part = {name: columns[name].take(slice(begin, begin + ROWS_AT_ONCE)) for name in self.names}
            total = total.merge(PairSums.of(*self.matrix(grids, part)))
        return total

    def matrix(self, grids: Mapping[str, Grid], columns: Columns) -> tuple[Matrix, Matrix]:
        """Each row's scores, 0 where there is no finite value, and 1 where there is one."""
        parts = [
            scored(grids[name], scores, columns[name])
            for name, scores in zip(self.names, self.scores, strict=True)
        ]
        if not parts:
            return np.zeros((0, 0)), np.zeros((0, 0))
        return np.stack([each for each, _ in parts], axis=1), np.stack([known for _, known in parts], axis=1)

    def fingerprint(self) -> bytes:
        """What goes into a reference's id."""
        names = msgspec.json.encode(self.names)
        return names + b"".join(each.astype("<i2").tobytes() for each in self.scores)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Pairing):
            return NotImplemented
        return self.fingerprint() == other.fingerprint() and np.array_equal(self.spread, other.spread)

    __hash__ = None  # type: ignore[assignment]  # holds arrays


@dataclass(frozen=True, slots=True, eq=False)
class PairSums:
    """Sums over the rows in which both features of a pair have a value. A commutative monoid under `merge`.

    At [i, j]: the number of rows, the scores of i, their squares, and the products of i and j.
    """

    rows: IntMatrix
    scores: IntMatrix
    squares: IntMatrix
    products: IntMatrix

    @classmethod
    def empty(cls, features: int) -> Self:
        return cls(*(np.zeros((features, features), np.int64) for _ in range(4)))

    @classmethod
    def of(cls, scores: Matrix, known: Matrix) -> Self:
        """Add up a batch; doubles hold these whole numbers exactly."""
        sums = (known.T @ known, scores.T @ known, (scores * scores).T @ known, scores.T @ scores)
        return cls(*(each.astype(np.int64) for each in sums))

    def merge(self, other: Self) -> Self:
        """Both parts' rows together; neither part changes."""
        return type(self)(
            self.rows + other.rows,
            self.scores + other.scores,
            self.squares + other.squares,
            self.products + other.products,
        )

    def correlations(self) -> Matrix:
        """Pearson's, of the scores; NaN where a side does not vary."""
        rows = np.maximum(self.rows, 1).astype(np.float64)
        mean = self.scores / rows
        variance = self.squares / rows - mean * mean
        covariance = self.products / rows - mean * mean.T
        scale = np.sqrt(np.maximum(variance * variance.T, 0.0))
        found: Matrix = np.divide(covariance, scale, out=np.full_like(scale, np.nan), where=scale > 0.0)
        return found

    def matrices(self) -> tuple[IntMatrix, ...]:
        return self.rows, self.scores, self.squares, self.products

    @property
    def nbytes(self) -> int:
        return sum(each.nbytes for each in self.matrices())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PairSums):
            return NotImplemented
        return all(map(np.array_equal, self.matrices(), other.matrices()))

    __hash__ = None  # type: ignore[assignment]  # holds arrays


def spread(scores: Matrix, known: Matrix) -> Matrix:
    """How far one row may throw each correlation: the variance of its influence on it [1]_.

    ``sqrt(n) (r - rho)`` has this variance in the limit, whatever the joint distribution. From moments, so it
    takes a few products of matrices and not a pass for each pair.

    References
    ----------
    .. [1] Devlin, S. J., Gnanadesikan, R. and Kettenring, J. R. (1975), Robust estimation and outlier
       detection with correlation coefficients, Biometrika 62, section 2.
    """
    n = np.maximum(known.sum(axis=0), 1.0)
    mean = scores.sum(axis=0) / n
    centred = (scores - mean) * known
    unit = centred / np.sqrt(np.maximum((centred**2).sum(axis=0) / n, 1e-12))
    both = np.maximum(known.T @ known, 1.0)
    r = unit.T @ unit / both
    squares = unit**2
    second = squares.T @ squares / both
    third = (unit**3).T @ unit / both
    fourth = (squares**2).T @ known / both
    found: Matrix = second - r * (third + third.T) + r * r / 4.0 * (fourth + fourth.T + 2.0 * second)
    return np.maximum(found, 0.0)
