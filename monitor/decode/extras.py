"""Looking for keys that the dictionary does not know, in a fixed sample of the messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.decode.events import EventRow
from monitor.decode.layout import Layout
from monitor.decode.payload import Refused, read
from monitor.source.base import Record

SAMPLED_1_IN = 256
"""Messages whose offset divides by this are looked at: the same ones however they are batched."""


@dataclass(frozen=True, slots=True)
class SampledRow:
    """What one sampled row holds beside the known features; ``index`` is its place in the batch."""

    index: int
    extra: frozenset[str]
    odd_width: bool


def sampled_rows(
    layout: Layout, records: Sequence[Record], offsets: NDArray[np.int64], usable: NDArray[np.bool_]
) -> tuple[SampledRow, ...]:
    """Look for unknown keys in the sampled rows among the usable ones of these."""
    if layout.container is None:
        return ()
    found = []
    for index in np.flatnonzero(usable & (offsets % SAMPLED_1_IN == 0)).tolist():
        keys = _feature_keys(layout, records[index])
        if keys is not None:
            extra = frozenset(keys - layout.features)
            found.append(SampledRow(index, extra, len(keys) != len(layout.features)))
    return tuple(found)


def _feature_keys(layout: Layout, record: Record) -> set[str] | None:
    """Give the keys that ought to be features; None when the features' object is not there."""
    try:
        inner: Any = record.row if isinstance(record, EventRow) else read(record.value or b"")
    except Refused:
        return None
    for key in layout.container or ():
        inner = inner.get(key)
        if not isinstance(inner, dict):
            return None
    return {key for key in inner if key not in layout.other_keys}
