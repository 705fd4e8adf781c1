"""The contract between the service and whatever delivers messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol


class TopicPartition(NamedTuple):
    """One partition of one topic; for a file, its name and 0."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]"


class Record(Protocol):
    """One message. kafka-python's ConsumerRecord is one as it is; nothing is copied."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970 UTC, or -1 when the broker recorded none."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None:
        """The payload; None is a tombstone."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


def record_bytes(record: Record) -> int:
    """How long a message is: value, key and headers."""
    value, key, headers = record.value, record.key, record.headers
    length = (len(value) if value else 0) + (len(key) if key else 0)
    if headers:  # most messages have none
        length += sum(len(name) + len(text or b"") for name, text in headers)
    return length


@dataclass(frozen=True, slots=True)
class Message:
    """A record of our own making, for files and tests."""

    offset: int
    value: bytes | None
    key: bytes | None = None
    timestamp: int = -1
    headers: Sequence[tuple[str, bytes | None]] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """The records that one poll brought from one partition, in offset order; never empty."""

    partition: TopicPartition
    records: Sequence[Record]


@dataclass(frozen=True, slots=True)
class Lost:
    """The broker no longer holds offsets from ``wanted`` up to, not including, ``available``."""

    partition: TopicPartition
    wanted: int
    available: int


@dataclass(frozen=True, slots=True)
class Polled:
    """What one poll brought.

    No record of a newly ``assigned`` partition is delivered before `Source.seek`
    has been called for it. Records of a ``revoked`` partition may be among
    earlier chunks: their owner forgets them, the next owner reads them again
    from its cursor. A partition in both ``revoked`` and ``assigned`` was given up and
    got back: first the one, then the other. ``lost`` partitions deliver nothing until they are sought anew.
    """

    chunks: Sequence[Chunk] = ()
    assigned: frozenset[TopicPartition] = field(default_factory=frozenset)
    revoked: frozenset[TopicPartition] = field(default_factory=frozenset)
    lost: tuple[Lost, ...] = ()


Start = Literal["earliest", "latest"]


class Source(Protocol):
    """Delivers records and obeys the position the results database remembers.

    The *position* is the offset of the next record to be delivered. It moves
    with every poll and with `seek`. The position that survives a crash is the
    cursor in the results database; `commit` only tells the broker, for tools
    that display lag, and may be lost without harm. Every method may raise
    `SourceError` when the broker is away; the same call can be made again.
    """

    def poll(self, timeout_s: float, max_records: int) -> Polled:
        """Wait up to ``timeout_s`` for records; an empty answer is no error and keeps the membership."""

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        """Deliver these partitions from these offsets on."""

    def partitions(self) -> frozenset[TopicPartition]:
        """Give every partition of the topics that are read, whoever holds it, as last heard of."""

    def first_offsets(
        self, partitions: frozenset[TopicPartition], start: Start
    ) -> Mapping[TopicPartition, int]:
        """Where a partition that was never read before begins."""

    def offsets_at(self, times_ms: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        """Give the first offset whose record was written at this time or later.

        Absent: a partition without such a record.
        """

    def end_offsets(self, partitions: frozenset[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Give the offset after the last record, as last heard from the broker, without asking it.

        A partition of which nothing is known yet is absent.
        """

    def pause(self) -> None:
        """Deliver nothing more, but stay in the group as long as `poll` is called."""

    def resume(self) -> None:
        """Undo `pause`."""

    def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """Tell the broker how far the results reach. Never waits, never raises."""

    def close(self) -> None:
        """Leave the group and free the connections."""
