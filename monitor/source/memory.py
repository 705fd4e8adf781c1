"""A broker in memory: the contract of `Source` without a network, every step decided by the caller."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.errors import SourceError
from monitor.source.base import Chunk, Lost, Message, Polled, Start, TopicPartition
from monitor.topics import Topics


@dataclass(slots=True)
class _Log:
    first: int = 0
    messages: list[Message] = field(default_factory=list)

    @property
    def end(self) -> int:
        return self.first + len(self.messages)

    def trim(self, before: int) -> None:
        del self.messages[: max(0, before - self.first)]
        self.first = max(self.first, before)


class MemoryBroker:
    """Topics, groups and committed offsets, for as many `MemorySource` as wanted, in any thread.

    Members of a group share its topics' partitions: those of one topic go
    round the members in the order in which they joined. `assign` overrides
    that until the next member joins or leaves. With ``is_eager`` every
    rebalance revokes and assigns again what a member keeps, else only what
    moves is told. With ``is_waiting`` an empty poll lasts its time-out; else
    it returns at once.
    """

    def __init__(self, *, is_eager: bool = False, is_waiting: bool = False) -> None:
        self.is_eager = is_eager
        self.is_waiting = is_waiting
        self.is_up = True
        self.changed = threading.Condition()
        self.logs: dict[TopicPartition, _Log] = {}
        self.committed: dict[tuple[str, TopicPartition], int] = {}
        self._groups: dict[str, list[MemorySource]] = {}

    def create(self, topic: str, partitions: int = 1) -> None:
        """Add a topic, or partitions to one, and share them out."""
        with self.changed:
            for number in range(partitions):
                self.logs.setdefault(TopicPartition(topic, number), _Log())
            for group in self._groups:
                self._share_out(group)

    def append(
        self,
        partition: TopicPartition,
        value: bytes | None,
        *,
        key: bytes | None = None,
        timestamp: int = -1,
        headers: Sequence[tuple[str, bytes | None]] = (),
    ) -> int:
        """Add one message and give its offset."""
        with self.changed:
            log = self.logs[partition]
            log.messages.append(Message(log.end, value, key, timestamp, headers))
            self.changed.notify_all()
            return log.end - 1

    def trim(self, partition: TopicPartition, before: int) -> None:
        """Drop what lies below an offset, as retention does."""
        with self.changed:
            self.logs[partition].trim(before)

    def stop(self) -> None:
        """Be away: every call of every source that needs the broker raises `SourceError`."""
        with self.changed:
            self.is_up = False

    def start(self) -> None:
        """Be back, with everything that was there."""
        with self.changed:
            self.is_up = True

    def assign(self, source: MemorySource, partitions: Iterable[TopicPartition]) -> None:
        """Give a member these partitions and take the others from it."""
        with self.changed:
            source.hold(frozenset(partitions))
            self.changed.notify_all()

    def join(self, source: MemorySource) -> None:
        """Add a member to its group."""
        with self.changed:
            self._groups.setdefault(source.group_id, []).append(source)
            self._share_out(source.group_id)

    def leave(self, source: MemorySource) -> None:
        """Remove a member; the others get what it held."""
        with self.changed:
            self._groups[source.group_id].remove(source)
            self._share_out(source.group_id)

    def _share_out(self, group: str) -> None:
        members = self._groups[group]
        shares: dict[int, set[TopicPartition]] = {number: set() for number in range(len(members))}
        for partition in self.logs:
            takers = [number for number, member in enumerate(members) if partition.topic in member.topics]
            if takers:
                shares[takers[partition.partition % len(takers)]].add(partition)
        for number, share in shares.items():
            members[number].hold(frozenset(share))
        self.changed.notify_all()


class MemorySource:
    """One member of a group of a `MemoryBroker`; joins when made, leaves at `close`."""

    def __init__(self, broker: MemoryBroker, topics: Iterable[str], group_id: str = "driftd") -> None:
        self.topics = Topics(tuple(topics))
        self.group_id = group_id
        self._broker = broker
        self._held: frozenset[TopicPartition] = frozenset()
        self._known: frozenset[TopicPartition] = frozenset()
        self._told_again: frozenset[TopicPartition] = frozenset()
        self._positions: dict[TopicPartition, int] = {}  # of sought partitions, in the order they are served
        self._is_paused = False
        self._require_broker()
        broker.join(self)

    def hold(self, partitions: frozenset[TopicPartition]) -> None:
        """Take on an assignment; the next poll tells what changed. The broker calls this, under its lock."""
        if self._broker.is_eager:
            self._told_again |= partitions & self._known
        self._held = partitions

    def poll(self, timeout_s: float, max_records: int) -> Polled:
        with self._broker.changed:
            polled = self._poll(max_records)
            if polled == Polled() and self._broker.is_waiting:
                self._broker.changed.wait(timeout_s)
                polled = self._poll(max_records)
            return polled

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        for partition, offset in positions.items():
            if partition in self._held & self._known - self._told_again:
                self._positions[partition] = offset

    def partitions(self) -> frozenset[TopicPartition]:
        return frozenset(at for at in self._broker.logs if at.topic in self.topics)

    def first_offsets(
        self, partitions: frozenset[TopicPartition], start: Start
    ) -> Mapping[TopicPartition, int]:
        self._require_broker()
        logs = self._broker.logs
        return {at: logs[at].first if start == "earliest" else logs[at].end for at in partitions}

    def offsets_at(self, times_ms: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        self._require_broker()
        found: dict[TopicPartition, int] = {}
        for at, time_ms in times_ms.items():
            later = (each.offset for each in self._broker.logs[at].messages if each.timestamp >= time_ms)
            first = next(later, None)
            if first is not None:
                found[at] = first
        return found

    def end_offsets(self, partitions: frozenset[TopicPartition]) -> Mapping[TopicPartition, int]:
        return {at: self._broker.logs[at].end for at in partitions & self._positions.keys()}

    def pause(self) -> None:
        self._is_paused = True

    def resume(self) -> None:
        self._is_paused = False

    def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        if self._broker.is_up:
            self._broker.committed.update({(self.group_id, at): to for at, to in positions.items()})

    def close(self) -> None:
        self._broker.leave(self)

    def _require_broker(self) -> None:
        if not self._broker.is_up:
            raise SourceError("the broker in memory is stopped; start it again")

    def _poll(self, max_records: int) -> Polled:
        self._require_broker()
        assigned, revoked = self._changes()
        if self._is_paused:
            return Polled((), assigned, revoked)
        lost = self._lost()
        return Polled(self._chunks(max_records), assigned, revoked, lost)

    def _changes(self) -> tuple[frozenset[TopicPartition], frozenset[TopicPartition]]:
        again = self._told_again & self._held
        revoked = (self._known - self._held) | self._told_again
        assigned = (self._held - self._known) | again
        self._known, self._told_again = self._held, frozenset()
        for partition in revoked:
            self._positions.pop(partition, None)
        return assigned, revoked

    def _lost(self) -> tuple[Lost, ...]:
        logs = self._broker.logs
        lost = tuple(
            Lost(at, position, logs[at].first)
            for at, position in self._positions.items()
            if not logs[at].first <= position <= logs[at].end
        )
        for loss in lost:
            del self._positions[loss.partition]
        return lost

    def _chunks(self, max_records: int) -> tuple[Chunk, ...]:
        chunks = []
        for partition, position in list(self._positions.items()):
            log = self._broker.logs[partition]
            index = position - log.first
            records = log.messages[index : index + max_records]
            if records:
                chunks.append(Chunk(partition, records))
                max_records -= len(records)
                del self._positions[partition]  # and back in at the end: others are served first next time
                self._positions[partition] = position + len(records)
        return tuple(chunks)
