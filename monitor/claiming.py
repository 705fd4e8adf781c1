"""Taking partitions over: where to read on, and which other partitions windows have to wait for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from monitor.intake import PartitionState
from monitor.plan import ModelPlan
from monitor.source.base import Source, Start, TopicPartition
from monitor.store.base import Advance, PartitionClock, Progress, Store


def claimed(
    partitions: frozenset[TopicPartition],
    source: Source,
    store: Store,
    plans: Iterable[ModelPlan],
    start: Start,
    now: datetime,
) -> tuple[dict[TopicPartition, PartitionState], frozenset[TopicPartition]]:
    """Give how far these partitions have been read, and those whose cursors are in the database from now on.

    ``start`` is for topics never read before. Whoever meets one first sets the cursors of all its
    partitions: so one that comes later is known to have been added, and begins at its first message. No
    window is judged before each partition that exists has been read. Raises `Fenced` when another process
    meets the topic at this moment.
    """
    every = source.partitions() | partitions
    cursors = store.cursors(every)
    fresh = partitions - cursors.keys()
    read = {tp.topic for tp in cursors}
    is_first = bool(fresh) and start == "latest"
    begun = frozenset(tp for tp in every if tp.topic not in read) if is_first else frozenset()
    begins = source.first_offsets(begun, start) if begun else {}
    added = source.first_offsets(fresh - begun, "earliest") if fresh - begun else {}
    advances = tuple(Advance(tp, None, first) for tp, first in begins.items())
    store.commit(Progress(advances, known=_unread(every, plans, now)))
    return _loaded(partitions, cursors, {**begins, **added}, store, now), begun & fresh


def _unread(
    partitions: Iterable[TopicPartition], plans: Iterable[ModelPlan], now: datetime
) -> tuple[PartitionClock, ...]:
    """Clocks for partitions of which nothing is known but that they are there."""
    return tuple(
        PartitionClock(plan.name, tp, None, now, caught_up=False)
        for plan in plans
        for tp in partitions
        if tp.topic in plan.all_topics
    )


def _loaded(
    partitions: Iterable[TopicPartition],
    cursors: Mapping[TopicPartition, int],
    first: Mapping[TopicPartition, int],
    store: Store,
    now: datetime,
) -> dict[TopicPartition, PartitionState]:
    states = {
        tp: PartitionState(cursors.get(tp), cursors[tp] if tp in cursors else first[tp], now)
        for tp in partitions
    }
    for clock in store.partition_clocks(states):
        if clock.max_event_ms is not None:
            part = states[clock.partition]
            times = {**part.event_ms, clock.model: clock.max_event_ms}
            states[clock.partition] = replace(part, event_ms=times)
    return states
