from __future__ import annotations

import json
import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.columns import Presence
from monitor.decode.decoder import Batch, Decoder
from monitor.decode.layout import Cell, Layout, Leaf, Meta
from monitor.decode.payload import Reason
from monitor.source.base import Chunk, Message, TopicPartition

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MS = 1_767_225_600_000
P0 = TopicPartition("predictions", 0)
LEAVES = (
    Leaf("age", ("features", "age"), Cell.NUMBER, (-1.0,)),
    Leaf("rooms", ("features", "rooms"), Cell.WHOLE),
    Leaf("country", ("features", "country"), Cell.TEXT, ("N/A",)),
    Leaf("zone", ("features", "zone"), Cell.NUMBER_TEXT),
    Leaf("owner", ("features", "owner"), Cell.FLAG),
)
GOOD = {"age": 41.5, "rooms": 3, "country": "DE", "zone": 7, "owner": True}


def layout(**changes: object) -> Layout:
    settings: dict[str, object] = {
        "leaves": LEAVES,
        "features": frozenset(leaf.name for leaf in LEAVES),
        "id": ("id",),
        "timestamp": ("ts",),
        "timestamp_unit": "auto",
        "model": None,
        "model_name": "loans",
        "container": ("features",),
        "other_keys": frozenset(),
    }
    return Layout(**(settings | changes))  # type: ignore[arg-type]


def decode(*values: bytes | None, **changes: object) -> Batch:
    decoder = Decoder(layout(**changes), "loans", max_message_bytes=2_000, max_future_ms=3_600_000)
    records = [Message(i, value, timestamp=MS + i) for i, value in enumerate(values)]
    return decoder.decode(Chunk(P0, records), NOW)


def message(features: object = GOOD, **more: object) -> bytes:
    return json.dumps({"id": "a", "ts": MS, "features": features} | more).encode()


def cell(name: str, value: object) -> tuple[Presence, object]:
    batch = decode(message(GOOD | {name: value}))
    column = batch.columns[name]
    code = Presence.PRESENT if column.presence is None else Presence(int(column.presence[0]))
    return code, column.values[0]


def test_a_plain_message_is_a_row() -> None:
    batch = decode(message())
    assert len(batch) == 1
    assert batch.times_ms.tolist() == [MS]
    assert batch.ids is not None
    assert batch.ids.tolist() == ["a"]
    assert {name: column.values.tolist() for name, column in batch.columns.items()} == {
        "age": [41.5],
        "rooms": [3.0],
        "country": ["DE"],
        "zone": ["7"],
        "owner": ["true"],
    }


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("age", None, Presence.NULL),
        ("age", -1, Presence.NULL),
        ("age", "41", Presence.BAD_TYPE),
        ("age", True, Presence.BAD_TYPE),
        ("age", [1], Presence.BAD_TYPE),
        ("age", {"x": 1}, Presence.BAD_TYPE),
        ("rooms", 2.5, Presence.BAD_TYPE),
        ("rooms", 2.0, Presence.PRESENT),
        ("country", None, Presence.NULL),
        ("country", "N/A", Presence.NULL),
        ("country", 5, Presence.BAD_TYPE),
        ("country", "", Presence.PRESENT),
        ("zone", "7", Presence.BAD_TYPE),
        ("zone", 7.5, Presence.PRESENT),
        ("zone", True, Presence.BAD_TYPE),
        ("owner", 1, Presence.BAD_TYPE),
        ("owner", None, Presence.NULL),
    ],
)
def test_each_defect_of_a_value_has_its_own_code(name: str, value: object, code: Presence) -> None:
    found, kept = cell(name, value)
    assert found is code
    if code is not Presence.PRESENT:
        assert kept is None or (isinstance(kept, float) and math.isnan(kept))


def test_a_missing_key_is_not_a_null() -> None:
    batch = decode(message({}), json.dumps({"id": "b", "ts": MS}).encode())
    for column in batch.columns.values():
        assert column.presence is not None
        assert column.presence.tolist() == [Presence.MISSING, Presence.MISSING]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("NaN", math.nan), ("Infinity", math.inf), ("-Infinity", -math.inf), ("1e400", math.inf)],
)
def test_numbers_that_are_not_finite_are_values(text: str, expected: float) -> None:
    batch = decode(message().replace(b"41.5", text.encode()), message())
    value = float(batch.columns["age"].values[0])
    assert value == expected or (math.isnan(value) and math.isnan(expected))
    assert batch.columns["age"].presence is None
    assert not batch.rejects


def test_a_whole_number_of_ten_thousand_digits_is_infinite() -> None:
    decoder = Decoder(layout(), "loans", max_message_bytes=100_000, max_future_ms=0)
    value = message().replace(b"41.5", b"9" * 10_000)
    batch = decoder.decode(Chunk(P0, [Message(0, value)]), NOW)
    assert batch.columns["age"].values.tolist() == [math.inf]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", Reason.EMPTY),
        (b"  \n", Reason.EMPTY),
        (b'{"id": "a", "ts": 17672', Reason.NOT_JSON),
        (b"\xff\xfe{}", Reason.NOT_UTF8),
        (b'{"id": "\xff", "ts": 1767225600000}', Reason.NOT_UTF8),
        (b"[1, 2]", Reason.NOT_AN_OBJECT),
        (b"42", Reason.NOT_AN_OBJECT),
        (b'{"pad": "' + b"x" * 3_000 + b'"}', Reason.TOO_LARGE),
        (message(ts=None), Reason.NO_TIMESTAMP),
        (b'{"id": "a"}', Reason.NO_TIMESTAMP),
        (message(ts="yesterday"), Reason.BAD_TIMESTAMP),
        (message(ts=True), Reason.NO_TIMESTAMP),
        (message(ts="2026-03-01T02:00:00Z"), Reason.FUTURE_TIMESTAMP),
    ],
)
def test_each_unusable_message_is_a_reject_with_its_reason(value: bytes, reason: Reason) -> None:
    batch = decode(message(), value, message())
    assert [(reject.offset, reject.reason) for reject in batch.rejects] == [(1, reason)]
    assert batch.rejects[0].sample == value[:1024]
    assert batch.rejects[0].detail
    assert batch.offsets.tolist() == [0, 2]


def test_a_hundred_thousand_brackets_do_not_end_the_process() -> None:
    decoder = Decoder(layout(), "loans", max_message_bytes=1 << 20, max_future_ms=0)
    deep = b'{"features": {"age": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    batch = decoder.decode(Chunk(P0, [Message(0, deep)]), NOW)
    assert [reject.reason for reject in batch.rejects] == [Reason.TOO_DEEP]


def test_tombstones_are_counted_and_are_no_rejects() -> None:
    batch = decode(None, message(), None)
    assert (batch.tombstones, len(batch), batch.rejects) == (2, 1, ())


def test_a_chunk_of_tombstones_alone_has_no_rows() -> None:
    batch = decode(None)
    assert len(batch) == 0
    assert all(len(column) == 0 for column in batch.columns.values())


def test_rows_of_another_model_are_neither_rows_nor_rejects() -> None:
    batch = decode(message(m="loans"), message(m="cars"), message(), model=("m",))
    assert batch.offsets.tolist() == [0]
    assert batch.others_at == (1, 2)
    assert batch.rejects == ()


def test_key_header_and_record_time_can_be_used() -> None:
    decoder = Decoder(
        layout(id=Meta("key"), timestamp=Meta("timestamp"), model=Meta("header", "Model")), "loans", 2_000, 0
    )
    record = Message(5, message(), key=b"k1", timestamp=MS + 9, headers=(("model", b"loans"),))
    batch = decoder.decode(Chunk(P0, [record]), NOW)
    assert batch.ids is not None
    assert (batch.ids.tolist(), batch.times_ms.tolist()) == (["k1"], [MS + 9])


def test_a_record_without_time_is_rejected_when_its_time_is_wanted() -> None:
    decoder = Decoder(layout(timestamp=Meta("timestamp")), "loans", 2_000, 0)
    batch = decoder.decode(Chunk(P0, [Message(0, message())]), NOW)
    assert [reject.reason for reject in batch.rejects] == [Reason.NO_TIMESTAMP]


def test_extra_columns_are_found_in_the_sampled_rows() -> None:
    decoder = Decoder(layout(), "loans", 2_000, 0)
    odd = message(GOOD | {"surprise": 1})
    records = [Message(i, odd if i in (256, 257) else message()) for i in range(250, 260)]
    batch = decoder.decode(Chunk(P0, records), NOW)
    assert [(row.index, row.extra, row.odd_width) for row in batch.sampled] == [
        (6, frozenset({"surprise"}), True)
    ]


def test_hostile_text_is_kept_as_text() -> None:
    batch = decode(
        message(GOOD | {"country": "\ud800<b>\x00missing"}), message(GOOD | {"country": "\x00missing"})
    )
    assert batch.columns["country"].values.tolist() == ["?<b>\x00missing", "\x00missing"]
    assert batch.columns["country"].presence is None


def test_paths_that_contradict_each_other_are_refused() -> None:
    leaves = (Leaf("a", ("a",), Cell.NUMBER), Leaf("b", ("a", "b"), Cell.NUMBER))
    with pytest.raises(ValueError, match="runs through"):
        Decoder(layout(leaves=leaves), "loans", 2_000, 0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
FEATURES = st.fixed_dictionaries({}, optional={leaf.name: JSON for leaf in LEAVES})
LINES = st.one_of(
    st.none(),
    st.binary(max_size=40),
    st.builds(
        lambda f, ts: json.dumps({"id": 1, "ts": ts, "features": f}).encode(),
        FEATURES | JSON,
        st.just(MS) | JSON,
    ),
)


@given(st.lists(LINES, max_size=12))
def test_every_message_has_exactly_one_outcome_however_it_is_batched(lines: list[bytes | None]) -> None:
    whole = decode(*lines)
    assert len(whole) + len(whole.rejects) + whole.tombstones == len(lines)
    decoder = Decoder(layout(), "loans", 2_000, 3_600_000)
    for i, line in enumerate(lines):
        alone = decoder.decode(Chunk(P0, [Message(i, line, timestamp=MS + i)]), NOW)
        place = np.flatnonzero(whole.offsets == i)
        assert len(place) == len(alone)
        for name, column in alone.columns.items() if len(alone) else ():
            together = whole.columns[name].take(place)
            np.testing.assert_array_equal(together.values, column.values)
            assert together.count(Presence.PRESENT) == column.count(Presence.PRESENT)
            assert together.count(Presence.BAD_TYPE) == column.count(Presence.BAD_TYPE)
            assert together.count(Presence.MISSING) == column.count(Presence.MISSING)
