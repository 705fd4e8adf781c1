"""Counts in the form in which windows and references are stored."""

from __future__ import annotations

import msgspec
import numpy as np

from detectors.cells import interleaved
from detectors.counts import Counts, NumericCounts
from detectors.counts_wire import encode
from detectors.profile import VERSION
from detectors.rules import CheckCounts


def stored(counts: Counts) -> bytes:
    """Give them as a profile's part."""
    return msgspec.msgpack.encode((VERSION, encode(counts), *CheckCounts().tallies()))


def cells(counts: Counts) -> list[int]:
    """Give what driftd_cells has to give."""
    if isinstance(counts, NumericCounts):
        return [1, *interleaved(counts).tolist()]
    return [2, *counts.known.tolist(), counts.other + sum(counts.unseen.values())]


def numeric(numbers: list[int]) -> NumericCounts:
    """Make counts of these cells, from left to right."""
    vector = np.array(numbers, np.int64)
    has_any = bool(vector.any())
    low, high = (0.0, 1.0) if has_any else (np.inf, -np.inf)
    return NumericCounts(vector[1::2], vector[0::2], missing=3, nan=7, minimum=low, maximum=high)
