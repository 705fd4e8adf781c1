"""Taking partitions over: where to read on, and which other partitions windows have to wait for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from monitor.decode.halves import Half, Waiting, decode
from monitor.intake import PartitionState
from monitor.plan import ModelPlan
from monitor.source.base import Source, Start, TopicPartition
from monitor.store.base import Advance, PartitionClock, Progress, Store
from monitor.topics import Topics


def claimed(
    partitions: frozenset[TopicPartition],
    source: Source,
    store: Store,
    plans: Iterable[ModelPlan],
    start: Start,
    now: datetime,
) -> tuple[dict[TopicPartition, PartitionState], frozenset[TopicPartition]]:
    """Give how far these partitions have been read, and those whose cursors are in the database from now on.

    ``start`` is for topics that are there when their names or patterns are looked for the first time. Whoever
    does that sets the cursors of all their partitions: so a partition or a topic that comes later is known to
    have been added, and begins at its first message. No window is judged before each partition that exists
    has been read. Raises `Fenced` when another process meets the topics at this moment.
    """
    plans = tuple(plans)
    every = source.partitions() | partitions
    watched = store.watched()  # before the cursors: who writes both at this moment is noticed
    cursors = store.cursors(every)
    fresh = partitions - cursors.keys()
    met = _met(every, cursors, watched) if start == "latest" else frozenset()
    begins = source.first_offsets(met, start) if met else {}
    added = source.first_offsets(fresh - met, "earliest") if fresh - met else {}
    advances = tuple(Advance(tp, None, first) for tp, first in begins.items())
    gone = _gone(every, plans, store)
    wanted = {entry for plan in plans for entry in plan.all_topics.entries} if start == "latest" else set()
    known = _unread(every, plans, now)
    store.commit(Progress(advances, known=known, watched=tuple(wanted - watched), gone=gone))
    return _loaded(partitions, cursors, {**begins, **added}, store, now), met & fresh


def _met(
    every: Iterable[TopicPartition], read: Iterable[TopicPartition], watched: Iterable[str]
) -> frozenset[TopicPartition]:
    """Give the partitions of topics that were there before anybody looked for them."""
    later, topics = Topics(tuple(watched)), {tp.topic for tp in read}
    return frozenset(tp for tp in every if tp.topic not in topics and tp.topic not in later)


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


def _gone(
    every: Iterable[TopicPartition], plans: Iterable[ModelPlan], store: Store
) -> tuple[PartitionClock, ...]:
    """Clocks of topics that were deleted before they were read to their ends: nothing more comes of them."""
    topics = {plan.name: plan.all_topics for plan in plans}
    existing = {tp.topic for tp in every}
    return tuple(
        clock
        for clock in store.clocks_behind(topics)
        if clock.partition.topic in topics[clock.model] and clock.partition.topic not in existing
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
    for (model, tp), halves in _halves(states, store).items():
        waiting = {**states[tp].waiting, model: Waiting.read(halves)}
        states[tp] = replace(states[tp], waiting=waiting)
    return states


def _halves(
    partitions: Iterable[TopicPartition], store: Store
) -> Mapping[tuple[str, TopicPartition], list[Half]]:
    found: dict[tuple[str, TopicPartition], list[Half]] = {}
    for each in store.halves(partitions):
        model, tp, offset = each.key
        found.setdefault((model, tp), []).append(decode(offset, each.half))
    return found
