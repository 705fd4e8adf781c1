"""Which rows the challenger gets: a seeded sample within a budget of rows per second."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_BURST_S = 2.0
"""Rows that were not used for so long may come at once, like those of one commit interval."""
_MASK = 2**64 - 1
_STEP, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


class Sampler:
    """A token bucket on the clock that is passed in. Equal calls give equal rows."""

    def __init__(self, rows_per_s: float, seed: int) -> None:
        self._rows_per_s = rows_per_s
        self._seed = seed
        self._most = max(1.0, _BURST_S * rows_per_s)
        self._tokens = self._most
        self._last_s: float | None = None

    def choose(self, hashes: NDArray[np.uint64], now_s: float) -> NDArray[np.intp]:
        """Give the positions, rising, of the rows that the budget allows now.

        Of more rows than that those with the smallest seeded mix of their hashes are taken: a simple random
        sample, whatever the order of the rows. ``now_s`` may go back, which adds nothing to the budget.
        """
        passed_s = 0.0 if self._last_s is None else max(0.0, now_s - self._last_s)
        self._last_s = now_s
        self._tokens = min(self._most, self._tokens + passed_s * self._rows_per_s)
        size = min(len(hashes), math.floor(self._tokens))
        self._tokens -= size
        if size == len(hashes):
            return np.arange(size)
        return np.sort(np.argsort(mixed(hashes, self._seed), kind="stable")[:size])


def mixed(hashes: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Mix hashes with a seed, so that samples of different seeds have nothing to do with each other.

    The finaliser of SplitMix64 (Steele, Lea and Flood, 2014), applied to hash and seed.
    """
    mix = hashes + np.uint64((seed + 1) * _STEP & _MASK)
    for shift, factor in ((30, _FIRST), (27, _SECOND)):
        mix = (mix ^ (mix >> np.uint64(shift))) * np.uint64(factor)
    return mix ^ (mix >> np.uint64(31))
