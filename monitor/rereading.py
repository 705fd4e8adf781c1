"""Messages that were counted before, read again for the join alone. Pure: state in, state out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from monitor.intake import PartitionState, State, take_in
from monitor.join.arrivals import Labels, Predictions
from monitor.readers import Decoded, Readers
from monitor.source.base import Chunk

_AT_ONCE = 40_000
"""Rows in memory at once, about, where messages have many."""


def only_arrivals(
    readers: Readers, chunk: Chunk, clocks_ms: Mapping[str, int], now: datetime
) -> tuple[tuple[Predictions | Labels, ...], Mapping[str, int]]:
    """What a chunk that was counted before brings to the join, and its partition's event times after it."""
    partition = PartitionState(None, chunk.records[0].offset, now, event_ms=clocks_ms)
    state = State({chunk.partition: partition})
    records = chunk.records
    while records:
        decoded = Decoded.of(readers, Chunk(chunk.partition, records), now, _AT_ONCE)
        state = replace(take_in(state, decoded, now), rejects=())
        records = records[len(decoded.chunk.records) :]
    return state.arrivals, state.partitions[chunk.partition].event_ms
