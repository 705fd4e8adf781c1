"""Learning from a reference's rows how well its features tell one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors import counts as counting
from detectors.columns import Columns
from detectors.dictionary import Dictionary
from detectors.grid import Grid, NumericGrid
from detectors.normal_scores import UNIT, Matrix, cell_scores, varying
from detectors.reconstruction import (
    FINE,
    NAME,
    ROWS_AT_ONCE,
    Reconstruction,
    Residuals,
    column_of,
    errors_of,
    has_value,
    normal_scores,
)

MAX_FEATURES = 100
"""An error costs a row so many products to the square."""
LEAST_COMPLETE = 0.5
"""Features that are absent most often are left out until so large a share of the rows is complete."""
LEAST_ROWS = 200
ROWS_PER_FEATURE = 10
FOLDS = 20
RIDGE = 0.01
"""Added to the variance of each score: features that tell another exactly leave this much unsure."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was learned from all rows, and the rows' columns with errors by what the others say."""

    reconstruction: Reconstruction
    columns: Columns
    residuals: Residuals


def fitted(
    dictionary: Dictionary,
    grids: Mapping[str, Grid],
    columns: Columns,
    times_ms: NDArray[np.int64] | None,
) -> Fitted:
    """Learn from the rows that are complete in the numeric features.

    The reference's own errors are cross-fitted: each twentieth of the rows has its errors from what the other
    rows say (`FOLDS`), because rows that something was learned from fit it better than new ones ever do.
    The parts are stretches of time where times are known, so that neighbours do not tell each other.

    Raises
    ------
    ValueError
        If fewer than two numeric features can be taken, the complete rows are too few, or the log has a
        feature of the error's name.
    """
    if NAME in dictionary.used():
        raise ValueError(f"multivariate: the log has a feature {NAME!r} of its own: rename or ignore it")
    numeric = {name: grid for name, grid in grids.items() if isinstance(grid, NumericGrid)}
    counts = {name: counting.count(grid, columns[name]) for name, grid in numeric.items()}
    able = varying(Dictionary({name: dictionary.features[name] for name in numeric}), counts)
    names, is_complete = _chosen(able, columns, tuple(numeric))
    rows = np.flatnonzero(is_complete)
    scores = tuple(cell_scores(counts[name]) for name in names)
    folds = _folds(rows, times_ms)
    steps = _Steps(names, scores, grids, columns, rows, folds)
    moments = _moments(steps)
    whole = _learned(names, scores, moments.sum(axis=0))
    errors, total = np.full(len(is_complete), np.nan), Residuals.empty(len(names))
    others = [_learned(names, scores, moments.sum(axis=0) - moments[fold]) for fold in range(len(moments))]
    for fold, positions, matrix in steps:
        residuals = others[fold].residuals(matrix)
        errors[positions] = errors_of(residuals)
        total = total.merge(Residuals.of(residuals))
    return Fitted(whole, {**columns, NAME: column_of(errors)}, total)


def _chosen(
    able: Sequence[str], columns: Columns, order: Sequence[str]
) -> tuple[tuple[str, ...], NDArray[np.bool_]]:
    """The features that are taken, in the grids' order, and the rows that have them all."""
    known = {name: has_value(columns[name]) for name in able[:MAX_FEATURES]}
    rows = len(next(iter(columns.values())))
    taken: set[str] = set()
    is_complete = np.ones(rows, np.bool_)
    for name in sorted(known, key=lambda each: -int(known[each].sum())):
        both = is_complete & known[name]
        is_scarce = both.sum() < max(LEAST_ROWS, ROWS_PER_FEATURE * (len(taken) + 1))
        if is_scarce or both.sum() < LEAST_COMPLETE * rows:
            break
        is_complete = both
        taken.add(name)
    if len(taken) < 2:  # noqa: PLR2004
        raise ValueError(
            "multivariate: needs two numeric features that vary and have a value in most rows, of "
            f"{LEAST_ROWS} rows or more; there {'is' if len(taken) == 1 else 'are'} {len(taken)}, "
            f"of {rows:,} rows: leave it out"
        )
    return tuple(name for name in order if name in taken), is_complete


def _folds(rows: NDArray[np.intp], times_ms: NDArray[np.int64] | None) -> NDArray[np.intp]:
    """Which part each of the rows is in: stretches of time, or every twentieth row."""
    place = np.arange(len(rows))
    if times_ms is None:
        return place % FOLDS
    rank = np.empty(len(rows), np.intp)
    rank[np.argsort(times_ms[rows], kind="stable")] = place
    return rank * FOLDS // len(rows)


@dataclass(frozen=True, slots=True)
class _Steps:
    """The complete rows, some at once, of one fold each: its number, the rows' positions, their scores."""

    names: tuple[str, ...]
    scores: tuple[NDArray[np.int16], ...]
    grids: Mapping[str, Grid]
    columns: Columns
    rows: NDArray[np.intp]
    folds: NDArray[np.intp]

    def __iter__(self) -> Iterator[tuple[int, NDArray[np.intp], Matrix]]:
        for fold in range(FOLDS):
            inside = self.rows[self.folds == fold]
            for begin in range(0, len(inside), ROWS_AT_ONCE):
                part = inside[begin : begin + ROWS_AT_ONCE]
                yield fold, part, normal_scores(self.names, self.scores, self.grids, self.columns, part)


def _moments(steps: _Steps) -> Matrix:
    """By fold the sums of the scores' products; the first row and column are of a score that is always 1."""
    found = np.zeros((FOLDS, len(steps.names) + 1, len(steps.names) + 1))
    for fold, _, scores in steps:
        with_one = np.column_stack([np.ones(len(scores)), scores])
        found[fold] += with_one.T @ with_one
    return found


def _learned(
    names: tuple[str, ...], scores: tuple[NDArray[np.int16], ...], moments: Matrix
) -> Reconstruction:
    """Give the weights that rows with these sums of products lead to."""
    rows = max(moments[0, 0], 1.0)
    mean = moments[0, 1:] / rows
    covariance = moments[1:, 1:] / rows - np.outer(mean, mean)
    deviation = np.sqrt(np.maximum(np.diag(covariance), 1e-3))  # a feature may be constant in the other rows
    correlation = covariance / np.outer(deviation, deviation)
    precision = np.linalg.inv(correlation + RIDGE * np.eye(len(names)))
    weights = precision / np.sqrt(np.diag(precision)) * (UNIT / deviation)[:, None]
    whole = np.rint(FINE * weights).astype(np.int64)
    offsets = np.rint(-(mean @ (FINE * weights))).astype(np.int64)
    return Reconstruction(names, scores, whole, offsets)
