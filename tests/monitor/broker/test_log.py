from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBatchBuilder

from monitor.broker.codes import Code
from monitor.broker.log import Appended, PartitionLog


def batch(*values: bytes, timestamp_ms: int = 1000, producer: tuple[int, int, int] = (-1, -1, -1)) -> bytes:
    """Frame records as a producer does; each is one millisecond younger than the one before."""
    builder = DefaultRecordBatchBuilder(2, 0, False, *producer, 1 << 20)
    for offset, value in enumerate(values):
        builder.append(offset, timestamp_ms + offset, None, value, [])
    return bytes(builder.build())


def log_of(*frames: bytes, retained_bytes: int = 1 << 20) -> PartitionLog:
    log = PartitionLog(retained_bytes, 1 << 16)
    for frame in frames:
        assert log.append(frame).code == Code.NONE
    return log


def read(log: PartitionLog, offset: int, max_bytes: int = 1 << 20) -> list[tuple[int, bytes]]:
    records = MemoryRecords(log.read(offset, max_bytes).frames)
    return [(record.offset, record.value) for records in iter(records.next_batch, None) for record in records]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=12), st.data())
def test_every_offset_reads_the_records_from_its_batch_on(sizes: list[int], data: st.DataObject) -> None:
    log = log_of(*(batch(*[b"x"] * size) for size in sizes))
    total = sum(sizes)
    offset = data.draw(st.integers(0, total))
    offsets = [found for found, _ in read(log, offset)]
    assert (log.start, log.end) == (0, total)
    assert [found for found in offsets if found >= offset] == list(range(offset, total))
    assert not offsets or offsets[0] <= offset


def test_several_batches_in_one_append_are_told_apart() -> None:
    log = PartitionLog(1 << 20, 1 << 16)
    assert log.append(batch(b"a", b"b") + batch(b"c")) == Appended(Code.NONE, 0)
    assert log.append(batch(b"d")) == Appended(Code.NONE, 3)
    assert read(log, 0) == [(0, b"a"), (1, b"b"), (2, b"c"), (3, b"d")]


def test_a_fetch_takes_at_least_one_batch_and_no_more_than_fit() -> None:
    frame = batch(b"x" * 100)
    log = log_of(frame, frame, frame)
    assert [offset for offset, _ in read(log, 0, 1)] == [0]
    assert [offset for offset, _ in read(log, 0, 2 * len(frame))] == [0, 1]
    assert log.read(0, 0).frames == b""


def test_offsets_outside_the_log_are_out_of_range() -> None:
    log = log_of(batch(b"a", b"b"))
    assert log.read(3, 100).code == Code.OFFSET_OUT_OF_RANGE
    log.trim(1)
    assert log.read(0, 100).code == Code.OFFSET_OUT_OF_RANGE
    assert log.read(2, 100) == (Code.NONE, b"")


def test_trimming_keeps_the_batch_that_holds_the_new_start() -> None:
    log = log_of(batch(b"a", b"b"), batch(b"c"))
    assert log.trim(1) == Code.NONE
    assert [offset for offset, _ in read(log, 1)] == [0, 1, 2]  # the client skips what lies below
    assert log.trim(-1) == Code.NONE
    assert (log.start, log.end) == (3, 3)
    assert log.trim(4) == Code.OFFSET_OUT_OF_RANGE


def test_the_oldest_batches_go_when_the_bound_is_reached() -> None:
    frame = batch(b"x" * 1000)
    log = log_of(*[frame] * 100, retained_bytes=10 * len(frame))
    assert (log.start, log.end) == (90, 100)
    assert [offset for offset, _ in read(log, 90)] == list(range(90, 100))


def test_what_an_idempotent_producer_sends_twice_is_kept_once() -> None:
    log = PartitionLog(1 << 20, 1 << 16)
    first, second = batch(b"a", producer=(7, 0, 0)), batch(b"b", producer=(7, 0, 1))
    bases = [log.append(frame).base for frame in (first, second, first, second)]
    assert bases == [0, 1, 0, 1]
    assert log.append(batch(b"c", producer=(8, 0, 0))).base == 2
    assert log.end == 3


def test_times_are_found_inside_batches() -> None:
    log = log_of(batch(b"a", b"b", timestamp_ms=1000), batch(b"c", timestamp_ms=2000))
    assert log.offset_at(0) == (0, 1000)
    assert log.offset_at(1001) == (1, 1001)
    assert log.offset_at(1002) == (2, 2000)
    assert log.offset_at(2001) == (-1, -1)


@pytest.mark.parametrize("frames", [b"short", batch(b"a")[:16] + b"\x01" + batch(b"a")[17:], b"\0" * 100])
def test_what_is_no_record_batch_is_refused(frames: bytes) -> None:
    log = PartitionLog(1 << 20, 1 << 16)
    assert log.append(frames) == Appended(Code.CORRUPT_MESSAGE, -1)
    assert log.end == 0


@pytest.mark.parametrize("length", [-1, 0, 10_000])
def test_a_batch_whose_length_is_wrong_is_refused(length: int) -> None:
    frame = bytearray(batch(b"a"))
    struct.pack_into(">i", frame, 8, length)
    assert PartitionLog(1 << 20, 1 << 16).append(bytes(frame)).code == Code.CORRUPT_MESSAGE


def test_a_batch_above_the_limit_is_refused() -> None:
    log = PartitionLog(1 << 20, 200)
    assert log.append(batch(b"x" * 300)).code == Code.MESSAGE_TOO_LARGE
