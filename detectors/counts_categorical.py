"""Counts of a categorical feature: known categories, unseen ones and the rest."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detectors.absence import split_present
from detectors.columns import Column
from detectors.grid import CategoricalGrid

MAX_UNSEEN = 256  # unseen categories that are kept by name
HASH_ROWS = 500  # from this batch size on pandas counts faster than Counter
MAX_TEXT = 200  # characters of an unseen category that are kept: memory is bounded


@dataclass(frozen=True, slots=True, eq=False)
class CategoricalCounts:
    """How often each known category, each unseen one and everything else occurred.

    ``unseen`` holds the `MAX_UNSEEN` unseen categories with the smallest stable
    hash, with their complete counts; ``other`` holds the rows of the rest, or of
    every unknown category when the grid is open. Because a category that is
    among the smallest of a union is among the smallest of each part, merging
    stays exact: identity, order and grouping do not matter. ``empty`` counts the
    values ``""``, which are also counted as values.
    """

    known: NDArray[np.int64]
    unseen: Mapping[str, int] = field(default_factory=dict)
    other: int = 0
    missing: int = 0
    null: int = 0
    bad_type: int = 0
    empty_text: int = 0
    n: int = field(init=False)  # the number of values: asked for often, so added up once

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", int(self.known.sum()) + sum(self.unseen.values()) + self.other)

    @classmethod
    def empty(cls, grid: CategoricalGrid) -> Self:
        return cls(np.zeros(len(grid.categories), np.int64))

    @property
    def rows(self) -> int:
        """Everything: values and cells without one."""
        return self.n + self.missing + self.null + self.bad_type

    def tallies(self) -> tuple[int, ...]:
        """The counts beside the categories, in the order of the fields."""
        return (self.other, self.missing, self.null, self.bad_type, self.empty_text)

    def merge(self, other: Self) -> Self:
        """The counts of both parts together; neither part changes."""
        if len(self.known) != len(other.known):
            sizes = f"{len(self.known)} and of {len(other.known)}"
            raise ValueError(f"counts of {sizes} known categories are of different grids")
        unseen = dict(self.unseen)
        for category, count in other.unseen.items():
            unseen[category] = unseen.get(category, 0) + count
        kept, demoted = _capped(unseen)
        rest, *tallies = (a + b for a, b in zip(self.tallies(), other.tallies(), strict=True))
        return type(self)(self.known + other.known, kept, rest + demoted, *tallies)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CategoricalCounts):
            return NotImplemented
        return (
            self.tallies() == other.tallies()
            and self.unseen == other.unseen
            and np.array_equal(self.known, other.known)
        )

    __hash__ = None  # type: ignore[assignment]  # holds an array


def count_categorical(grid: CategoricalGrid, column: Column) -> CategoricalCounts:
    """Count one batch of a categorical feature; the order of its rows does not matter."""
    values, absent = split_present(column)
    tally = _tally(values)
    known, unknown = _split(grid, tally)
    kept, other = ({}, sum(unknown.values())) if grid.is_open else _capped(unknown)
    return CategoricalCounts(known, kept, other, *absent, empty_text=tally.get("", 0))


def _tally(values: NDArray[np.object_]) -> Mapping[str, int]:
    """How often each text occurs; pandas' hash table is faster, but slower to start."""
    if len(values) < HASH_ROWS:
        return Counter(values.tolist())
    codes, texts = pd.factorize(values)
    return dict(zip(texts.tolist(), np.bincount(codes).tolist(), strict=True))


def _split(grid: CategoricalGrid, tally: Mapping[str, int]) -> tuple[NDArray[np.int64], dict[str, int]]:
    """The counts of the known categories in the grid's order, and those of all others."""
    known = [0] * len(grid.categories)
    unknown: dict[str, int] = {}
    position = grid.index.get
    for category, count in tally.items():
        at = position(category)
        if at is None:
            text = category[:MAX_TEXT]
            unknown[text] = unknown.get(text, 0) + count
        else:
            known[at] = count
    return np.array(known, np.int64), unknown


def _capped(unseen: dict[str, int]) -> tuple[dict[str, int], int]:
    """The categories that are kept by name, and the number of rows of the others."""
    if len(unseen) <= MAX_UNSEEN:
        return unseen, 0
    kept = {category: unseen[category] for category in heapq.nsmallest(MAX_UNSEEN, unseen, key=_stable_hash)}
    return kept, sum(unseen.values()) - sum(kept.values())


def _stable_hash(category: str) -> tuple[bytes, str]:
    """A pseudo-random order of texts that is the same in every process, ties by text."""
    return blake2b(category.encode("utf-8", "surrogatepass"), digest_size=8).digest(), category
