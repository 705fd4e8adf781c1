"""A small, seeded part of `make fuzz`, and messages of the largest size that is read."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from random import Random

import numpy as np
import pytest

from detectors.columns import Column
from detectors.counts_categorical import MAX_TEXT, MAX_UNSEEN, CategoricalCounts, count_categorical
from detectors.grid import CategoricalGrid
from monitor.decode.decoder import Decoder
from monitor.decode.payload import Reason
from monitor.source.base import Chunk, Message
from tests.fuzz.formats import AT, MOST_ROWS, PRESETS, damaged_log, reader_of
from tests.fuzz.grammar import message
from tests.fuzz.properties import hold
from tests.fuzz.rounds import CHUNK, round_of
from tests.fuzz.worlds import TOPICS, plan
from tests.monitor.worlds import NOW, START_MS

MEGABYTE = 1 << 20
OF_SHAPES = {
    Reason.BAD_ENCODING,
    Reason.BAD_SHAPE,
    Reason.NO_ROWS,
    Reason.TOO_MANY_ROWS,
}
OF_PAIRS = {Reason.UNPAIRED}
OF_SCHEMAS = {Reason.UNFRAMED, Reason.UNKNOWN_SCHEMA}


@pytest.mark.parametrize("seed", range(12))
def test_every_promise_of_the_decoder_holds_for_messages_of_any_kind(seed: int) -> None:
    assert round_of(seed) > CHUNK // 4  # else rejects alone were tried


def test_the_grammar_gives_every_reason_for_a_reject() -> None:
    seen: set[str] = set()
    for typed in (True, False):
        made, rng = plan(is_plain=typed), Random(1)
        records = [Message(i, message(rng)) for i in range(4_000)]
        assert made.labels is not None
        for at, reader in zip(TOPICS, (made.decoder, made.labels.decoder), strict=False):
            seen |= {reject.reason for reject in reader.decode(Chunk(at, records), NOW).rejects}
    assert seen == set(Reason) - {Reason.UNKNOWN_MODEL} - OF_SHAPES - OF_SCHEMAS - OF_PAIRS


@pytest.mark.parametrize("preset", PRESETS)
def test_every_promise_holds_for_damaged_messages_of_every_preset(preset: str) -> None:
    rng, outcomes = Random(preset), Counter[str]()
    for _ in range(4):
        batch = hold(reader_of(preset), AT, damaged_log(rng, preset, 200), rng)
        outcomes.update(reject.reason for reject in batch.rejects)
        outcomes["row"] += len(set(batch.offsets.tolist()))
        assert np.bincount(batch.offsets // 256).max() <= MOST_ROWS
    assert min(outcomes["row"], outcomes.total() - outcomes["row"]) > 80  # else one kind alone was tried


def test_damage_gives_every_reason_for_a_reject_of_shaped_messages() -> None:
    rng, seen = Random(1), set[str]()
    for preset in PRESETS:
        reader = reader_of(preset)
        for _ in range(4):
            batch = reader.decode(Chunk(AT, damaged_log(rng, preset, 400)), NOW)
            seen |= {reject.reason for reject in batch.rejects}
    assert seen >= OF_SHAPES


def large(kind: str) -> bytes:
    """One message of just under a megabyte."""
    start = b'{"id":"a","ts":%d,"model":"loans","features":{"country":"DE"}' % START_MS
    room = MEGABYTE - 200
    inside = {
        "brackets": b',"x":' + b"[" * (room // 2) + b"]" * (room // 2),
        "objects": b',"x":' + b'{"a":' * (room // 6) + b"1" + b"}" * (room // 6),
        "array": b',"x":[' + b"1," * (room // 2) + b"1]",
        "empty objects": b',"x":[' + b"{}," * (room // 3) + b"1]",
        "keys": b"".join(b',"k%06d":1' % i for i in range(room // 12)),
        "one key": b',"a":1' * (room // 6),
        "id": b',"id":"' + b"i" * room + b'"',
        "time": b',"ts":"' + b"2" * room + b'"',
        "digits": b',"score":' + b"9" * room,
        "category": b',"prediction":"' + b"\\u0041" * (room // 6) + b'"',
        "spaces": b" " * room,
    }
    return start + inside[kind] + b"}"


KINDS = (
    "brackets",
    "objects",
    "array",
    "empty objects",
    "keys",
    "one key",
    "id",
    "time",
    "digits",
    "category",
)


@pytest.mark.parametrize("kind", [*KINDS, "spaces"])
@pytest.mark.parametrize("typed", [True, False])
def test_a_megabyte_of_anything_takes_little_memory_and_has_one_outcome(kind: str, *, typed: bool) -> None:
    made = plan(is_plain=typed)
    reader = Decoder(made.decoder._layout, "loans", MEGABYTE, 3_600_000)
    value = large(kind)
    assert MEGABYTE // 2 < len(value) <= MEGABYTE
    tracemalloc.start()
    try:
        batch = reader.decode(Chunk(TOPICS[0], [Message(256, value)]), NOW)
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 32 * MEGABYTE  # Python's dicts and lists of the largest
    assert kept < 12 * MEGABYTE
    assert len(batch) + len(batch.rejects) == 1
    hold(reader, TOPICS[0], [Message(0, value)], Random(1))


def test_categories_without_end_are_kept_in_a_bounded_number_and_length() -> None:
    grid = CategoricalGrid(("DE",), is_open=False)
    total = CategoricalCounts.empty(grid)
    for first in range(0, 60_000, 2_000):
        texts = [f"{number:x<300}" for number in range(first, first + 2_000)]
        values = np.empty(len(texts), np.object_)
        values[:] = texts
        total = total.merge(count_categorical(grid, Column(values)))
    assert total.n == 60_000
    assert len(total.unseen) == MAX_UNSEEN
    assert max(map(len, total.unseen)) == MAX_TEXT


def test_a_whole_number_without_end_is_a_category_and_no_crash() -> None:
    features = '{"zone": %s, "rooms": %s}'
    told = [b"9" * 400, b"-" + b"9" * 4_299, b"9" * 4_301, b"1e400", b"NaN"]
    values = [
        b'{"id":1,"ts":%d,"model":"loans","features":%s}'
        % (START_MS, (features % (each.decode(), each.decode())).encode())
        for each in told
    ]
    for typed in (True, False):
        batch = plan(is_plain=typed).decoder.decode(
            Chunk(TOPICS[0], [Message(i, value) for i, value in enumerate(values)]), NOW
        )
        assert len(batch) == len(told)
        assert [cell is not None for cell in batch.columns["zone"].values] == [
            True,
            True,
            False,
            False,
            False,
        ]
