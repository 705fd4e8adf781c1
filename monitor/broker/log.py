"""One partition: record batches as the producers framed them, addressed by offset."""

from __future__ import annotations

import bisect
import struct
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import NamedTuple

from kafka.record import MemoryRecords

from monitor.broker.codes import Code

# The header of a record batch, version 2, from its start: base offset, length, leader epoch, magic, CRC,
# attributes, last offset delta, base and max timestamp, producer id, epoch and base sequence, record count.
HEADER = struct.Struct(">qiibIhiqqqhii")
LENGTH = struct.Struct(">i")
LENGTH_AT, OFFSET_AND_LENGTH_BYTES, MAGIC_AT = 8, 12, 16
MAGIC = 2
LEADER_EPOCH = 0
REMEMBERED_BATCHES = 5  # per producer: as many as an idempotent producer may have in flight
REMEMBERED_PRODUCERS = 1_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records in one frame; their compression, checksum and timestamps are left as they came."""

    base: int
    last: int
    max_timestamp_ms: int
    frame: bytes


class Appended(NamedTuple):
    """How an append went: the first offset given, -1 with an error."""

    code: Code
    base: int


class Read(NamedTuple):
    """What a fetch gets."""

    code: Code
    frames: bytes = b""


def split(frames: bytes) -> list[bytearray]:
    """Take batches that follow each other apart; nothing when any of it is not a batch."""
    batches = []
    at = 0
    while at < len(frames):
        if len(frames) - at < HEADER.size or frames[at + MAGIC_AT] != MAGIC:
            return []
        size = OFFSET_AND_LENGTH_BYTES + LENGTH.unpack_from(frames, at + LENGTH_AT)[0]
        if not HEADER.size <= size <= len(frames) - at:
            return []
        batches.append(bytearray(frames[at : at + size]))
        at += size
    return batches


class PartitionLog:
    """Batches in offset order from ``start``; the oldest go when ``retained_bytes`` is exceeded."""

    def __init__(self, retained_bytes: int, max_batch_bytes: int) -> None:
        self.start = 0
        self.end = 0
        self._retained_bytes = retained_bytes
        self._max_batch_bytes = max_batch_bytes
        self._size_bytes = 0
        self._batches: list[Batch] = []
        self._seen: OrderedDict[int, deque[tuple[tuple[int, int], int]]] = OrderedDict()

    def append(self, frames: bytes) -> Appended:
        """Add all batches or none; one that an idempotent producer sends again gets its first offset."""
        batches = split(frames)
        if not batches:
            return Appended(Code.CORRUPT_MESSAGE, -1)
        if max(map(len, batches)) > self._max_batch_bytes:
            return Appended(Code.MESSAGE_TOO_LARGE, -1)
        bases = [self._append_one(frame) for frame in batches]
        self._retain()
        return Appended(Code.NONE, bases[0])

    def read(self, offset: int, max_bytes: int) -> Read:
        """Give whole batches from the one that holds the offset, at least one if ``max_bytes`` > 0."""
        if not self.start <= offset <= self.end:
            return Read(Code.OFFSET_OUT_OF_RANGE)
        frames: list[bytes] = []
        left = max_bytes
        for batch in self._batches[self._index(offset) :]:
            if left <= 0 or (frames and len(batch.frame) > left):
                break
            frames.append(batch.frame)
            left -= len(batch.frame)
        return Read(Code.NONE, b"".join(frames))

    def trim(self, before: int) -> Code:
        """Forget what lies below an offset; -1 means everything."""
        target = self.end if before == -1 else before
        if target > self.end:
            return Code.OFFSET_OUT_OF_RANGE
        self.start = max(self.start, target)
        self._drop(self._index(self.start))
        return Code.NONE

    def offset_at(self, timestamp_ms: int) -> tuple[int, int]:
        """Give offset and timestamp of the first record that is not older; -1 and -1 when all are."""
        for batch in self._batches:
            if batch.max_timestamp_ms >= timestamp_ms:
                for record in MemoryRecords(batch.frame).next_batch():
                    if record.timestamp >= timestamp_ms and record.offset >= self.start:
                        return record.offset, record.timestamp
        return -1, -1

    def _append_one(self, frame: bytearray) -> int:
        header = HEADER.unpack_from(frame)
        last_delta, max_timestamp_ms, producer, epoch, sequence = header[6], *header[8:12]
        if producer >= 0 and (known := self._seen_before(producer, (epoch, sequence))) is not None:
            return known
        base = self.end
        struct.pack_into(">q", frame, 0, base)
        struct.pack_into(">i", frame, OFFSET_AND_LENGTH_BYTES, LEADER_EPOCH)
        self._batches.append(Batch(base, base + last_delta, max_timestamp_ms, bytes(frame)))
        self._size_bytes += len(frame)
        self.end = base + last_delta + 1
        if producer >= 0:
            self._seen[producer].append(((epoch, sequence), base))
        return base

    def _seen_before(self, producer: int, sequence: tuple[int, int]) -> int | None:
        recent = self._seen.setdefault(producer, deque(maxlen=REMEMBERED_BATCHES))
        self._seen.move_to_end(producer)
        if len(self._seen) > REMEMBERED_PRODUCERS:
            self._seen.popitem(last=False)
        return next((base for known, base in recent if known == sequence), None)

    def _retain(self) -> None:
        count = 0
        size = self._size_bytes
        while size > self._retained_bytes and count < len(self._batches) - 1:
            size -= len(self._batches[count].frame)
            count += 1
        if count:
            self.start = max(self.start, self._batches[count].base)
            self._drop(count)

    def _drop(self, count: int) -> None:
        self._size_bytes -= sum(len(batch.frame) for batch in self._batches[:count])
        del self._batches[:count]

    def _index(self, offset: int) -> int:
        """Where the first batch that reaches the offset is in the list."""
        return bisect.bisect_left(self._batches, offset, key=lambda batch: batch.last)
