"""How long labels take to arrive, counted in bins of constant ratio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

RATIO = 1.1  # of neighbouring edges: a bin's geometric middle is within 5 % of every delay in it
LONGEST_MS = 20 * 366 * 86_400_000


def _edges() -> NDArray[np.int64]:
    """Whole milliseconds from 1 on, each at least one more than the one before: exact on every machine."""
    edges = [1]
    while edges[-1] < LONGEST_MS:
        edges.append(max(edges[-1] + 1, edges[-1] * 11 // 10))
    return np.array(edges, np.int64)


EDGES_MS = _edges()
"""Bin 0 is below 1 ms, bin i from ``EDGES_MS[i - 1]`` to below ``EDGES_MS[i]``, the last one open."""


@dataclass(frozen=True, slots=True, eq=False)
class Delays:
    """The number of labels by delay; a commutative group under `merge` and `minus`.

    ``unknown`` counts labels whose delay is not known, which are in no bin.
    """

    counts: NDArray[np.int64]
    unknown: int = 0

    @classmethod
    def empty(cls) -> Self:
        return cls(np.zeros(len(EDGES_MS) + 1, np.int64))

    @classmethod
    def of(cls, delays_ms: NDArray[np.int64]) -> Self:
        """Count one batch; a negative delay is an unknown one."""
        bins = EDGES_MS.searchsorted(delays_ms, "right")
        unknown = int(np.count_nonzero(delays_ms < 0))
        counts = np.bincount(bins, minlength=len(EDGES_MS) + 1)
        counts[0] -= unknown
        return cls(counts, unknown)

    @property
    def n(self) -> int:
        """The labels whose delay is known."""
        return int(self.counts.sum())

    def merge(self, other: Self) -> Self:
        """The labels of both parts; neither part changes."""
        return type(self)(self.counts + other.counts, self.unknown + other.unknown)

    def minus(self, other: Self) -> Self:
        """The labels without those of a part that was merged before."""
        return type(self)(self.counts - other.counts, self.unknown - other.unknown)

    def quantile_ms(self, q: float) -> float | None:
        """The delay that at least a share ``q`` of the labels do not exceed, to 5 %; None without labels."""
        reached = np.cumsum(self.counts)
        if reached[-1] <= 0:
            return None
        at = int(reached.searchsorted(max(1.0, q * float(reached[-1]))))
        if at == 0:
            return 0.0
        low = int(EDGES_MS[at - 1])
        high = int(EDGES_MS[at]) - 1 if at < len(EDGES_MS) else low
        return float(np.sqrt(float(low) * float(high)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Delays):
            return NotImplemented
        return self.unknown == other.unknown and np.array_equal(self.counts, other.counts)

    __hash__ = None  # type: ignore[assignment]  # holds an array
