"""Counts of rows of which some count for less than others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.cells import interleaved
from detectors.counts import CategoricalCounts, Counts, NumericCounts

Floats = NDArray[np.float64]


def mixed(parts: Sequence[Counts], weights: Sequence[float]) -> Counts:
    """The counts of all parts together, the rows of each counted as so many (0 to 1).

    They are whole numbers: of all rows up to any cell there are as many as the weights make, to within half a
    row. With weights of 1 it is what `merge` gives. At least one part is needed, all of one feature.
    """
    numeric = [each for each in parts if isinstance(each, NumericCounts)]
    if len(numeric) == len(parts):
        return _numeric(numeric, weights)
    categorical = [each for each in parts if isinstance(each, CategoricalCounts)]
    if len(categorical) == len(parts):
        return _categorical(categorical, weights)
    raise TypeError("numeric and categorical counts cannot be mixed")


def _numeric(parts: Sequence[NumericCounts], weights: Sequence[float]) -> NumericCounts:
    cells = _whole(_weighed(map(interleaved, parts), weights))
    there = [each for each, weight in zip(parts, weights, strict=True) if weight and each.n]
    extremes = (
        min((each.minimum for each in there), default=np.inf),
        max((each.maximum for each in there), default=-np.inf),
    )
    beside: tuple[Any, ...] = (*_tallies([each.tallies() for each in parts], weights), *extremes)
    return NumericCounts(cells[1::2], cells[0::2], *beside)


def _categorical(parts: Sequence[CategoricalCounts], weights: Sequence[float]) -> CategoricalCounts:
    """Unseen categories go to the rest: a reference has none by name."""
    cells = _whole(_weighed((np.append(each.known, each.n - each.known.sum()) for each in parts), weights))
    _, *beside = _tallies([each.tallies() for each in parts], weights)
    return CategoricalCounts(cells[:-1], {}, int(cells[-1]), *beside)


def _weighed(vectors: Iterable[NDArray[np.int64]], weights: Sequence[float]) -> Floats:
    result: Floats = np.sum(
        [vector * weight for vector, weight in zip(vectors, weights, strict=True)], axis=0
    )
    return result


def _whole(cells: Floats) -> NDArray[np.int64]:
    """Round the running sums, so that no more than half a row is ever missing."""
    reached = np.rint(np.concatenate([[0.0], np.cumsum(cells)])).astype(np.int64)
    steps: NDArray[np.int64] = reached[1:] - reached[:-1]
    return steps


def _tallies(parts: Sequence[tuple[int, ...]], weights: Sequence[float]) -> list[int]:
    found: list[int] = np.rint(_weighed(map(np.array, parts), weights)).astype(int).tolist()
    return found
