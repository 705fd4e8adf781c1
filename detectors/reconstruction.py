"""How well each row's features tell one another: one number a row, counted as any other feature is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.absence import is_present
from detectors.columns import Column, Columns, Presence
from detectors.dictionary import Feature, Kind, Role
from detectors.grid import Grid
from detectors.normal_scores import UNIT, Matrix, scored

NAME = "reconstruction error"
FEATURE = Feature(
    NAME,
    Kind.NUMERIC,
    "float",
    Role.DERIVED,
    required=False,
    description="how badly the other features tell each feature of a row, on average",
)
PART = ":residuals"
FINE = 1024.0
"""Residuals are added up in so small parts of a hundredth: whole numbers, so that no order matters."""
FARTHEST_OFF = 10.0 * UNIT
"""No residual counts for more: one row cannot move a mean far."""
ROWS_AT_ONCE = 50_000
MOST_TOLD = 5


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """Of every feature the sum of its squared residuals, in hundredths, over ``rows`` complete rows.

    A commutative monoid under `merge`.
    """

    rows: int
    squares: NDArray[np.int64]

    @classmethod
    def empty(cls, features: int) -> Self:
        return cls(0, np.zeros(features, np.int64))

    @classmethod
    def of(cls, residuals: Matrix) -> Self:
        """Add up a batch of at most `ROWS_AT_ONCE` rows; doubles hold these whole numbers exactly."""
        return cls(len(residuals), (residuals * residuals).sum(axis=0).astype(np.int64))

    def merge(self, other: Self) -> Self:
        """Both parts' rows together; neither part changes."""
        return type(self)(self.rows + other.rows, self.squares + other.squares)

    def means(self) -> NDArray[np.float64]:
        """Each feature's mean squared residual: 1 where the relations are those that were learned."""
        found: NDArray[np.float64] = self.squares / (max(1, self.rows) * UNIT**2)
        return found

    def encode(self) -> bytes:
        """The stored form."""
        return msgspec.msgpack.encode((self.rows, self.squares.tolist()))

    @classmethod
    def decode(cls, data: bytes, known: Reconstruction) -> Self:
        """Read what `encode` wrote; raises ValueError when it is of other features."""
        rows, squares = msgspec.msgpack.decode(data, type=tuple[int, list[int]])
        if len(squares) != len(known.names):
            raise ValueError(
                f"stored residuals are of {len(squares)} features, the reference has {len(known.names)}"
            )
        return cls(rows, np.array(squares, np.int64))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Residuals):
            return NotImplemented
        return self.rows == other.rows and np.array_equal(self.squares, other.squares)

    __hash__ = None  # type: ignore[assignment]  # holds an array


@dataclass(frozen=True, slots=True, eq=False)
class Reconstruction:
    """What the relations among numeric features say of each from all others.

    Every feature has the normal score of its cell (see `detectors.normal_scores`). Its residual is its
    distance from the linear prediction by all other features, divided by how far that usually is: Hawkins'
    regression-adjusted variables [1]_, ``diag(P)^(-1/2) P z`` with the inverse P of the scores' correlations.
    A row's reconstruction error is the mean of its squared residuals. Weights are whole numbers, so that a
    row has the same error in every batch.

    References
    ----------
    .. [1] Hawkins, D. M. (1991), Multivariate quality control based on regression-adjusted variables,
       Technometrics 33.
    """

    names: tuple[str, ...]
    scores: tuple[NDArray[np.int16], ...]
    weights: NDArray[np.int64]
    offsets: NDArray[np.int64]

    def added(self, grids: Mapping[str, Grid], columns: Columns) -> tuple[Columns, Residuals]:
        """The columns and the reconstruction error, and the sums of the residuals.

        A row in which a feature has no finite value has no error: it is null.
        """
        size = len(next(iter(columns.values()))) if columns else 0
        errors, total = np.full(size, np.nan), Residuals.empty(len(self.names))
        for begin in range(0, size, ROWS_AT_ONCE):
            part = slice(begin, begin + ROWS_AT_ONCE)
            rows = begin + np.flatnonzero(complete(self.names, columns, part))
            residuals = self.residuals(normal_scores(self.names, self.scores, grids, columns, rows))
            errors[rows] = errors_of(residuals)
            total = total.merge(Residuals.of(residuals))
        return {**columns, NAME: column_of(errors)}, total

    def residuals(self, scores: Matrix) -> Matrix:
        """Each row's residuals in whole hundredths."""
        sums = scores @ self.weights.astype(np.float64) + self.offsets.astype(np.float64)
        found: Matrix = np.clip(np.rint(sums / FINE), -FARTHEST_OFF, FARTHEST_OFF)
        return found

    def fingerprint(self) -> bytes:
        """What goes into a reference's id."""
        arrays = (*(each.astype("<i2") for each in self.scores), self.weights.astype("<i8"))
        body = b"".join(each.tobytes() for each in arrays)
        return msgspec.json.encode(self.names) + body + self.offsets.astype("<i8").tobytes()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Reconstruction):
            return NotImplemented
        return self.fingerprint() == other.fingerprint()

    __hash__ = None  # type: ignore[assignment]  # holds arrays


def nothing_of(known: Reconstruction | None) -> Residuals | None:
    """The sums over no row; None where they are not asked for."""
    return None if known is None else Residuals.empty(len(known.names))


def merged(mine: Residuals | None, others: Residuals | None) -> Residuals | None:
    """Both sides' sums; None where one side was not summed up."""
    return None if mine is None or others is None else mine.merge(others)


def with_errors(
    known: Reconstruction | None, grids: Mapping[str, Grid], columns: Columns
) -> tuple[Columns, Residuals | None]:
    """The columns as they are counted: with the reconstruction error where it is asked for."""
    return (columns, None) if known is None else known.added(grids, columns)


def complete(names: Sequence[str], columns: Columns, part: slice) -> NDArray[np.bool_]:
    """Which rows of the part have a finite value of each of these features."""
    size = len(next(iter(columns.values())).values[part])
    found = np.ones(size, np.bool_)
    for name in names:
        column = columns.get(name)
        if column is None:
            return np.zeros(size, np.bool_)
        found &= has_value(column.take(part))
    return found


def has_value(column: Column) -> NDArray[np.bool_]:
    """Which cells are finite numbers."""
    found: NDArray[np.bool_] = np.isfinite(column.values) & is_present(column)
    return found


def normal_scores(
    names: Sequence[str],
    scores: Sequence[NDArray[np.int16]],
    grids: Mapping[str, Grid],
    columns: Columns,
    rows: NDArray[np.intp],
) -> Matrix:
    """The scores of these rows, which are complete, one column a feature."""
    parts = (
        [scored(grids[name], of, columns[name].take(rows))[0] for name, of in zip(names, scores, strict=True)]
        if len(rows)
        else []
    )
    return np.stack(parts, axis=1) if parts else np.zeros((0, len(names)))


def errors_of(residuals: Matrix) -> NDArray[np.float64]:
    """Each row's mean squared residual, in units of one."""
    found: NDArray[np.float64] = (residuals * residuals).sum(axis=1) / (residuals.shape[1] * UNIT**2)
    return found


def column_of(errors: NDArray[np.float64]) -> Column:
    """The errors as a column; NaN is null."""
    is_null = np.isnan(errors)
    if not is_null.any():
        return Column(errors)
    return Column(errors, np.where(is_null, Presence.NULL, Presence.PRESENT).astype(np.uint8))


def off(known: Reconstruction, before: Residuals | None, now: Residuals | None) -> dict[str, Any]:
    """A JSON-able summary: the mean error, and the features whose residuals rose, or fell, most.

    Nothing where a side was not summed up, or has no complete row.
    """
    if before is None or now is None or not (before.rows and now.rows):
        return {}
    then, after = before.means(), now.means()
    order = np.argsort(-np.abs(after - then), kind="stable")[:MOST_TOLD]
    return {
        "kind": "reconstruction",
        "error_reference": float(then.mean()),
        "error_current": float(after.mean()),
        "features": [
            {"feature": known.names[at], "reference": float(then[at]), "current": float(after[at])}
            for at in order.tolist()
        ],
    }
