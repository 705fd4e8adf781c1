"""Messages that were counted before, read again for the join alone. Pure: state in, state out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from monitor.intake import PartitionState, State, take_in
from monitor.join.arrivals import Labels, Predictions
from monitor.readers import Before, Decoded, Readers
from monitor.source.base import Chunk

_AT_ONCE = 40_000
"""Rows in memory at once, about, where messages have many."""


def only_arrivals(
    readers: Readers, chunk: Chunk, before: Before, now: datetime
) -> tuple[tuple[Predictions | Labels, ...], Before]:
    """What a chunk that was counted before brings to the join, and what it leaves to those after it."""
    partition = PartitionState(
        None, chunk.records[0].offset, now, event_ms=before.event_ms, waiting=before.waiting
    )
    state = State({chunk.partition: partition})
    records = chunk.records
    while records:
        left = state.partitions[chunk.partition].before
        decoded = Decoded.of(readers, Chunk(chunk.partition, records), now, _AT_ONCE, left)
        state = replace(take_in(state, decoded, now), rejects=())
        records = records[len(decoded.chunk.records) :]
    return state.arrivals, state.partitions[chunk.partition].before
