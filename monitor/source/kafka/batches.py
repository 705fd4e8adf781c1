"""Records out of batches within bounds, whatever a producer has put there.

The broker bounds how long a batch is compressed, and nothing bounds what it inflates to: a megabyte may
hold gigabytes. kafka-python inflates a batch at once; here one that inflates beyond `WHOLE_BYTES` is read
record by record, and of a part longer than wanted only the beginning is kept.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from typing import Any, Protocol

import cramjam
import lz4.frame
import zstandard
from kafka.errors import CorruptRecordError, KafkaError, UnsupportedCodecError
from kafka.record.default_records import DefaultRecord, DefaultRecordBatch

WHOLE_BYTES = 16 << 20
"""Batches that inflate to so much are inflated at once, which is quicker."""
_STEP_BYTES = 1 << 16
_XERIAL = b"\x82SNAPPY\x00"
_XERIAL_HEADER = 16
_MOST_VARINT_BYTES = 10


class Readable(Protocol):
    """Gives at most so many bytes, and none at its end."""

    def read(self, size: int) -> bytes: ...


def bound_batches(max_message_bytes: int) -> None:
    """Have every consumer of this process read batches like this; the latest call holds."""

    def records(batch: Any) -> Iterator[Any]:
        return records_of(batch, max_message_bytes)

    DefaultRecordBatch.__iter__ = records


def records_of(batch: Any, most: int) -> Iterator[Any]:
    """Give a batch's records. One of more than ``most`` bytes may be cut, and is still longer than that.

    Raises `KafkaError` where a batch cannot be read.
    """
    try:
        if batch.compression_type and not batch._decompressed:  # noqa: SLF001  # nothing of this is public
            inflated = _read(opened(batch), WHOLE_BYTES + 1)
            if len(inflated) > WHOLE_BYTES:
                yield from _trickled(batch, most)
                return
            batch._buffer, batch._pos = bytearray(inflated), 0  # noqa: SLF001
            batch._decompressed = True  # noqa: SLF001
        yield from _whole(batch, most)
    except KafkaError:
        raise
    except Exception as error:  # each codec has its own
        where = f"the batch at offset {batch.base_offset}"
        raise CorruptRecordError(f"{where} cannot be read: {type(error).__name__}: {error}") from error


def opened(batch: Any) -> Readable:
    """Give a compressed batch's content as something to be read in parts."""
    data = bytes(memoryview(batch._buffer)[batch._pos :])  # noqa: SLF001
    codec = batch.compression_type
    if codec == batch.CODEC_GZIP:
        return gzip.GzipFile(fileobj=io.BytesIO(data))
    if codec == batch.CODEC_SNAPPY:
        return io.BytesIO(_snappy(data))  # inflates to at most 22 times its length
    if codec == batch.CODEC_LZ4:
        readable: Readable = lz4.frame.LZ4FrameFile(io.BytesIO(data))
        return readable
    if codec == batch.CODEC_ZSTD:
        return zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True)
    raise UnsupportedCodecError(
        f"the batch at offset {batch.base_offset} has an unknown compression, {codec}"
    )


def _snappy(data: bytes) -> bytes:
    """Inflate one raw block, or blocks in the frame of Java's xerial library."""
    if not data.startswith(_XERIAL):
        return bytes(cramjam.snappy.decompress_raw(data))
    blocks, at = [], _XERIAL_HEADER
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        blocks.append(bytes(cramjam.snappy.decompress_raw(data[at + 4 : end])))
        at = end
    return b"".join(blocks)


def _whole(batch: Any, most: int) -> Iterator[Any]:
    """Read the records of a batch that is in memory."""
    read = batch._read_msg  # noqa: SLF001
    for _ in range(batch.records_count - batch._next_record_index):  # noqa: SLF001
        try:
            record = read()
        except ValueError:  # a header's name that is no UTF-8
            inside = Inflating(io.BytesIO(batch._buffer[batch._pos :]))  # noqa: SLF001
            record = _record(batch, inside, most)
            batch._pos += inside.position  # noqa: SLF001
        yield record


def _trickled(batch: Any, most: int) -> Iterator[Any]:
    """Read the records of a batch that is too large for memory, one at a time."""
    inside = Inflating(opened(batch))
    for _ in range(batch.records_count):
        yield _record(batch, inside, most)


class Inflating:
    """Bytes that are inflated as they are asked for."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self.position = 0

    def take(self, size: int) -> bytes:
        data = _read(self._source, size)
        if size < 0 or len(data) < size:
            raise CorruptRecordError("a batch ends within a record")
        self.position += size
        return data

    def skip(self, size: int) -> None:
        while size > 0:
            size -= len(self.take(min(size, _STEP_BYTES)))

    def number(self) -> int:
        """Read a zigzag varint."""
        value = 0
        for place in range(_MOST_VARINT_BYTES):
            (byte,) = self.take(1)
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:  # noqa: PLR2004  # the last one
                return (value >> 1) ^ -(value & 1)
        raise CorruptRecordError("a batch holds a number of too many bytes")

    def part(self, most: int) -> bytes | None:
        """Read a nullable field; of a longer one its first bytes."""
        size = self.number()
        if size < 0:
            return None
        kept = self.take(min(size, most))
        self.skip(size - len(kept))
        return kept


def _record(batch: Any, inside: Inflating, most: int) -> Any:
    """Read one record. Where key or headers are longer than ``most`` the value is made longer instead."""
    length = inside.number()
    end = inside.position + length
    inside.skip(1)  # attributes
    time = batch.first_timestamp + inside.number()
    if batch.timestamp_type == batch.LOG_APPEND_TIME:
        time = batch.max_timestamp
    offset = batch.base_offset + inside.number()
    key, value = inside.part(most + 1), inside.part(most + 1)
    left = end - inside.position
    is_long = left > most or len(key or b"") > most
    headers = [] if is_long else _headers(inside)
    inside.skip(end - inside.position)
    if inside.position != end:
        raise CorruptRecordError("a record is longer than it says")
    if is_long:
        key, value = None, (value or b"").ljust(most + 1)
    return DefaultRecord(length, offset, time, batch.timestamp_type, key, value, headers)


def _headers(inside: Inflating) -> list[tuple[str, bytes | None]]:
    """Read headers; names that are no UTF-8 have replacement characters."""
    return [
        (inside.take(inside.number()).decode("utf-8", "replace"), inside.part(1 << 31))
        for _ in range(inside.number())
    ]


def _read(source: Readable, size: int) -> bytes:
    """Read so much, or all there is."""
    parts, left = [], size
    while left > 0 and (part := source.read(left)):
        parts.append(part)
        left -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
