"""What is counted of an experiment's variants: their rows, each column's bins, the metric's moments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.moments import Moments
from detectors.performance_sums import pack, unpack

Codes = NDArray[np.uint8]
IntArray = NDArray[np.int64]
PART = ":experiment"
"""How the part of a stored profile is called."""


@dataclass(frozen=True, slots=True, eq=False)
class Arms:
    """The sums of any number of rows, by variant: a commutative monoid for one ``signature``.

    ``rows`` has those of each variant, ``others`` counts the rows of none. ``tables`` are bins by variants.
    """

    signature: str
    rows: IntArray
    others: int
    tables: Mapping[str, IntArray]
    metric: tuple[Moments, ...]

    def merge(self, other: Self) -> Self | None:
        """The sums of both; None where they are of different experiments, or on different bins."""
        if self.signature != other.signature or _shapes(self) != _shapes(other):
            return None
        return replace(
            self,
            rows=self.rows + other.rows,
            others=self.others + other.others,
            tables={name: mine + other.tables[name] for name, mine in self.tables.items()},
            metric=tuple(mine.merge(theirs) for mine, theirs in zip(self.metric, other.metric, strict=True)),
        )

    @property
    def nbytes(self) -> int:
        """How much memory the arrays take."""
        return self.rows.nbytes + sum(table.nbytes for table in self.tables.values())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Arms):
            return NotImplemented
        return _shapes(self) == _shapes(other) and encode(self) == encode(other)

    __hash__ = None  # type: ignore[assignment]  # holds arrays


def _shapes(arms: Arms) -> dict[str, tuple[int, ...]]:
    return {name: table.shape for name, table in arms.tables.items()}


def merged(mine: Arms | None, other: Arms | None) -> Arms | None:
    """Both sides' sums; None where one side was not counted so."""
    return None if mine is None or other is None else mine.merge(other)


def encode(arms: Arms) -> bytes:
    """The wire form: exact."""
    numbers = [arms.others, *(each for one in arms.metric for each in (one.n, one.total, one.squares))]
    shapes = [(name, table.shape[0]) for name, table in arms.tables.items()]
    sums = pack(numbers, (arms.rows, *arms.tables.values()))
    return msgspec.msgpack.encode((arms.signature, len(arms.rows), shapes, sums))


def decode(data: bytes) -> Arms:
    """Read what `encode` wrote; raises ValueError if it is damaged."""
    try:
        signature, size, bins, sums = msgspec.msgpack.decode(
            data, type=tuple[str, int, list[tuple[str, int]], bytes]
        )
    except msgspec.DecodeError as error:
        raise ValueError(f"stored sums of an experiment of {len(data)} bytes are damaged: {error}") from error
    shapes = ((size,), *((rows, size) for _, rows in bins))
    (others, *numbers), (rows, *tables), _ = unpack(sums, shapes, "sums of an experiment")
    metric = tuple(Moments(*numbers[at : at + 3]) for at in range(0, len(numbers), 3))
    names = (name for name, _ in bins)
    return Arms(signature, rows, others, dict(zip(names, tables, strict=True)), metric)
