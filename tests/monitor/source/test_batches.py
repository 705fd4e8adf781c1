"""Batches as producers write them and as nobody should: read whole, read in parts, or refused."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from typing import Any

import cramjam
import lz4.frame
import pytest
import zstandard
from kafka.errors import CorruptRecordError, UnsupportedCodecError
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from monitor.source.kafka import batches
from monitor.source.kafka.batches import records_of

MOST = 1_000
Given = tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]
CODECS = {
    1: gzip.compress,
    2: lambda data: bytes(cramjam.snappy.compress_raw(data)),
    3: lz4.frame.compress,
    4: zstandard.ZstdCompressor().compress,
}


def batch_of(records: Sequence[Given], codec: int = 0, spoil: bytes = b"") -> Any:
    """Give these records as a batch, compressed like this; ``spoil`` takes the compressed part's place."""
    builder = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 1 << 30)
    for offset, (key, value, headers) in enumerate(records):
        builder.append(offset, 1_000 + offset, key, value, headers)
    plain = bytes(builder.build())
    head = DefaultRecordBatch.HEADER_STRUCT.size
    packed = plain[head:] if not codec else spoil or CODECS.get(codec, bytes)(plain[head:])
    attributes = codec.to_bytes(2, "big")
    return DefaultRecordBatch(plain[:21] + attributes + plain[23:head] + packed)


def told(batch: Any) -> list[tuple[Any, ...]]:
    return [(r.offset, r.timestamp, r.key, r.value, r.headers) for r in records_of(batch, MOST)]


PLAIN: list[Given] = [
    (b"k", b"v" * 100, [("a", b"1"), ("b", None)]),
    (None, None, []),
    (b"", b"", [("\u00e9", b"")]),
]
EXPECTED = [(i, 1_000 + i, *given) for i, given in enumerate(PLAIN)]


@pytest.mark.parametrize("codec", [0, *CODECS])
@pytest.mark.parametrize("whole_bytes", [1 << 20, 10])
def test_records_are_what_they_were_however_they_are_read(
    codec: int, whole_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "WHOLE_BYTES", whole_bytes)
    assert told(batch_of(PLAIN, codec)) == EXPECTED


def test_snappy_in_the_frame_of_java_is_read() -> None:
    builder = batch_of(PLAIN)
    data = bytes(builder._buffer[builder._pos :])
    parts = [bytes(cramjam.snappy.compress_raw(part)) for part in (data[:40], data[40:])]
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    header = b"\x82SNAPPY\x00" + (1).to_bytes(4, "big") * 2
    assert told(batch_of(PLAIN, 2, header + framed)) == EXPECTED


def test_a_name_of_a_header_that_is_no_text_spoils_no_record() -> None:
    batch = batch_of([(None, b"v", [("name", b"x")]), (b"k", b"w", [])])
    batch._buffer = batch._buffer.replace(b"name", b"\xff\xfeme")
    assert [record[3:] for record in told(batch)] == [(b"v", [("\ufffd\ufffdme", b"x")]), (b"w", [])]


@pytest.mark.parametrize("codec", CODECS)
def test_of_what_is_too_long_only_the_beginning_is_kept(codec: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "WHOLE_BYTES", 10)
    given: list[Given] = [
        (b"k", b"v" * 9_000, []),
        (b"k" * 9_000, b"v", []),
        (b"k", b"v", [("h", b"x" * 9_000)]),
        (b"k", b"v" * MOST, []),
    ]
    found = told(batch_of(given, codec))
    assert found[0][2:] == (b"k", b"v" * (MOST + 1), [])
    for record in found[1:3]:
        assert record[2:] == (None, b"v".ljust(MOST + 1), [])  # longer than allowed, so it is a reject
    assert found[3][2:] == (b"k", b"v" * MOST, [])
    assert [record[0] for record in found] == [0, 1, 2, 3]


@pytest.mark.parametrize("codec", CODECS)
def test_a_batch_that_does_not_inflate_is_an_error_of_kafka(codec: int) -> None:
    with pytest.raises(CorruptRecordError, match="at offset 0 cannot be read"):
        told(batch_of(PLAIN, codec, b"\x1f\x8b" + b"nonsense" * 4))


def test_a_batch_that_ends_too_early_is_an_error_of_kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes(batch_of(PLAIN)._buffer[DefaultRecordBatch.HEADER_STRUCT.size :])
    monkeypatch.setattr(batches, "WHOLE_BYTES", 10)
    with pytest.raises(CorruptRecordError, match="ends within a record"):
        told(batch_of(PLAIN, 1, gzip.compress(data[:50])))


def test_an_unknown_compression_is_named() -> None:
    with pytest.raises(UnsupportedCodecError, match="unknown compression, 6"):
        told(batch_of(PLAIN, 6))
