"""Room for open windows: how much of a chunk fits, what is let go of, and what is put together again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from detectors.reference import Reference
from monitor.config import Limits
from monitor.decode.decoder import Batch
from monitor.intake import PartitionState, State
from monitor.opened import WindowKey, completed
from monitor.plan import ModelPlan
from monitor.readers import Decoded, Readers
from monitor.source.base import Chunk, TopicPartition
from monitor.store.base import Store
from monitor.windows import NEVER_MS, place


@dataclass(frozen=True, slots=True)
class Room:
    """What one process holds in memory at most, about, before it commits.

    ``window_bytes`` are for counts of open windows: after a commit at most half of them stay in use.
    ``rejects`` and ``letter_bytes`` may be passed by one batch.
    """

    window_bytes: int = 1 << 30
    rejects: int = 40_000
    letter_bytes: int = 1 << 26


def room_of(limits: Limits) -> Room:
    """Take the room from the configuration."""
    return Room(limits.window_bytes, limits.batch_rows, limits.batch_bytes)


def fitting(state: State, readers: Readers, chunk: Chunk, now: datetime, room: Room) -> Decoded | None:
    """Decode as many of the chunk's first messages as there is room for: windows they open, and rejects.

    None when not even the first one's fit and a commit would make room. Without anything to commit the first
    one is taken all the same.
    """
    room_bytes = room.window_bytes - held_bytes(state)
    before = state.partitions[chunk.partition].before
    found = Decoded.of(readers, chunk, now, room.rejects, before)
    while (needed := opening_bytes(state, readers, found)) > max(0, room_bytes):
        records = found.chunk.records
        if len(records) == 1:
            return None if has_news(state) else found
        fewer = max(1, len(records) * max(0, room_bytes) // needed)
        found = Decoded.of(readers, Chunk(chunk.partition, records[:fewer]), now, room.rejects, before)
    return found


def opening_bytes(state: State, readers: Readers, decoded: Decoded) -> int:
    """How much memory the windows take that these messages would open."""
    partition = state.partitions[decoded.chunk.partition]
    return sum(
        readers.sizes[plan.name].of(*_opening(partition, plan, batch, state.closed_until))
        for plan, batch in decoded.batches
        if len(batch)
    )


def _opening(
    partition: PartitionState, plan: ModelPlan, batch: Batch, closed_until: Mapping[str, int]
) -> tuple[int, int]:
    """How many windows a batch opens in its partition, and for how many rows."""
    first, last = (int(at(batch.times_ms)) // plan.window_ms * plan.window_ms for at in (np.min, np.max))
    if first == last and (plan.name, first) in partition.open:
        return 0, 0
    max_ms = partition.event_ms.get(plan.name, NEVER_MS)
    closed_ms = closed_until.get(plan.name, NEVER_MS)
    placed = place(batch.times_ms, max_ms, plan.window_ms, plan.lateness_ms, closed_ms, batch.reached_ms)
    starts, rows = np.unique(placed.starts_ms[~placed.late], return_counts=True)
    is_new = np.array([(plan.name, start) not in partition.open for start in starts.tolist()], np.bool_)
    return int(is_new.sum()), int(rows[is_new].sum())


def has_news(state: State) -> bool:
    """Whether a commit would write counts of windows."""
    return any(opened.changed for part in state.partitions.values() for opened in part.open.values())


def held_bytes(state: State) -> int:
    """How much memory open windows take."""
    return sum(opened.size_bytes for part in state.partitions.values() for opened in part.open.values())


def lightened(state: State, most_bytes: int) -> tuple[State, int]:
    """Let go of written windows, the earliest first, until the others fit; give how many went."""
    excess = held_bytes(state) - most_bytes
    gone: set[tuple[TopicPartition, WindowKey]] = set()
    held = ((key[1], tp, key) for tp, part in state.partitions.items() for key in part.open)
    for _, tp, key in sorted(held) if excess > 0 else ():
        if excess <= 0:
            break
        excess -= state.partitions[tp].open[key].size_bytes
        gone.add((tp, key))
    partitions = {
        tp: replace(part, open={key: opened for key, opened in part.open.items() if (tp, key) not in gone})
        for tp, part in state.partitions.items()
    }
    return (replace(state, partitions=partitions), len(gone)) if gone else (state, 0)


def put_together(state: State, store: Store, find: Callable[[str], Reference | None]) -> State:
    """Put what the database has of windows to what was counted of them since; may raise `StoreError`."""
    partitions = dict(state.partitions)
    for tp, part in partitions.items():
        keys = [key for key, opened in part.open.items() if not opened.is_whole]
        if keys:
            stored = store.open_windows([tp], keys)
            partitions[tp] = replace(part, open=completed(part.open, stored, find))
    return replace(state, partitions=partitions)
