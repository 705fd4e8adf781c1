"""Requests and responses that are messages of their own: one row of both, however they are batched."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from monitor.decode.decoder import Batch, Decoder
from monitor.decode.halves import Half, Waiting, decode, encode
from monitor.decode.payload import Reason
from monitor.source.base import Chunk, Message, TopicPartition
from monitor.windows import NEVER_MS
from tests.monitor.decode import logs
from tests.monitor.decode.logs import START_MS, Logged
from tests.monitor.decode.test_presets import NOW, decoder

AT = TopicPartition("logged", 0)
PRESETS = ("kserve-v1", "kserve-v2", "kserve-blob", "seldon-v1")
MAKE = {
    "kserve-v1": logs.kserve_v1,
    "kserve-v2": logs.kserve_v2,
    "kserve-blob": logs.kserve_blob,
    "seldon-v1": logs.seldon_v1,
}


@dataclass
class Read:
    """What came of a stream: rows by their ids, rejects by their offsets, and event time at each."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    rejects: list[tuple[int, str, str, int]] = field(default_factory=list)
    waiting: Waiting = field(default_factory=Waiting)
    clock_ms: int = NEVER_MS
    filtered: int = 0
    others: list[int] = field(default_factory=list)
    parted: list[int] = field(default_factory=list)

    def take(self, batch: Batch) -> None:
        assert batch.paired is not None
        assert batch.ids is not None
        cells = [column.values.tolist() for column in batch.columns.values()]
        self.rows += zip(
            batch.ids.tolist(),
            batch.times_ms.tolist(),
            batch.offsets.tolist(),
            batch.paired.clocks_ms.tolist(),
            *cells,
            strict=True,
        )
        at_ms = batch.paired.rejected_at_ms
        self.rejects += [
            (each.offset, each.reason, each.detail, at_ms[each.offset]) for each in batch.rejects
        ]
        self.waiting, self.clock_ms = batch.paired.waiting, batch.paired.clock_ms
        self.filtered += batch.filtered
        self.others += batch.others_at
        self.parted += [record.offset for record in batch.paired.parted]

    @property
    def why(self) -> list[tuple[int, str]]:
        return [(offset, reason) for offset, reason, _, _ in self.rejects]


def read(
    reader: Decoder, records: Sequence[Message], sizes: Sequence[int] = (), most: int | None = None
) -> Read:
    """Decode in chunks of these sizes by turns; between them what waits is stored and read."""
    found, first, turn = Read(), 0, 0
    while first < len(records):
        size = sizes[turn % len(sizes)] if sizes else len(records)
        chunk = Chunk(AT, records[first : first + size])
        batch = reader.decode(chunk, NOW, most, found.waiting, found.clock_ms)
        found.take(batch)
        kept = [decode(half.offset, encode(half)) for half in found.waiting.halves.values()]
        found.waiting = Waiting.read(kept)
        first, turn = first + batch.messages, turn + 1
    return found


def response(preset: str, number: int, batch: Sequence[Logged], rng: Random) -> Message:
    """The answer as the system logs it, half a second after its request."""
    answers = [row.prediction for row in batch]
    at = logs.START + timedelta(seconds=number, milliseconds=500)
    body: dict[str, Any] = {"predictions": answers}
    if preset == "kserve-v2" or (preset == "kserve-blob" and rng.random() < 0.5):
        tensor = {"name": "predict", "shape": [len(answers)], "datatype": "INT64", "data": answers}
        body = {"model_name": "churn", "model_version": "1", "id": f"event-{number}", "outputs": [tensor]}
    headers = dict(logs.event_headers(rng, number, "response"))
    headers = {name: at.isoformat() if name.endswith("time") else text for name, text in headers.items()}
    if preset == "kserve-blob":
        body = {
            "id": f"event-{number}",
            "bytes": base64.b64encode(json.dumps(body).encode()).decode(),
            "reqType": "org.kubeflow.serving.inference.response",
            "occurrenceTime": at.isoformat(),
        }
        headers = {}
    if preset == "seldon-v1":
        body = {"data": {"names": ["class"], "ndarray": [[answer] for answer in answers]}}
        headers = {"type": "io.seldon.serving.inference.response", "requestid": f"event-{number}"}
    pairs = [(name, text.encode()) for name, text in headers.items()]
    return Message(0, json.dumps(body).encode(), timestamp=int(at.timestamp() * 1000), headers=pairs)


def calls(preset: str, rng: Random, n: int = 100) -> tuple[list[list[Logged]], list[Message]]:
    """Rows of calls, and both halves of each, in an order in which a busy server may log them."""
    batches = [logs.rows(rng, rng.choice((1, 1, 3))) for _ in range(n)]
    requests = list(logs.messages(MAKE[preset], rng, batches))
    placed = [(number, message) for number, message in enumerate(requests)]
    placed += [
        (number + rng.choice((0, 0, 1, 7, -2)), response(preset, number, batch, rng))
        for number, batch in enumerate(batches)
    ]
    ordered = [message for _, message in sorted(placed, key=lambda each: each[0])]
    return batches, [at(offset, message) for offset, message in enumerate(ordered)]


def at(offset: int, message: Message) -> Message:
    return Message(offset, message.value, message.key, message.timestamp, message.headers)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_hundred_calls_are_rows_of_what_was_asked_and_answered(preset: str) -> None:
    batches, records = calls(preset, Random(preset))
    found = read(decoder(preset, 'pair = { within = "1m" }', predicts=True), records)
    assert (found.rejects, found.filtered, found.waiting) == ([], 0, Waiting())
    wanted = {
        f"event-{number}#{i}": (START_MS + number * 1000, *row.cells, str(row.prediction))
        for number, batch in enumerate(batches)
        for i, row in enumerate(batch)
    }
    assert {row[0]: (row[1], *row[4:]) for row in found.rows} == wanted
    assert len(found.rows) == len(wanted)


@pytest.mark.parametrize("preset", PRESETS)
def test_nothing_depends_on_how_messages_are_batched_or_that_halves_were_stored(preset: str) -> None:
    rng = Random(preset)
    _, records = calls(preset, rng)
    alone = [each for each in records if rng.random() < 0.85]  # some halves never come
    broken = Message(0, b"{", headers=records[0].headers, timestamp=START_MS)
    again = [*alone, *rng.sample(alone, 15), *[broken] * 5]  # and some come twice
    mixed = sorted(again, key=lambda each: each.offset + rng.random() * 12)
    mixed = [at(offset, message) for offset, message in enumerate(mixed)]
    reader = decoder(preset, 'pair = { within = "9s", most = 7 }', predicts=True)
    whole = read(reader, mixed)
    reasons = {reason for _, reason, _, _ in whole.rejects}
    assert reasons == {Reason.UNPAIRED, Reason.NOT_JSON}
    assert any("no room" in detail for _, _, detail, _ in whole.rejects)
    assert any("in time" in detail for _, _, detail, _ in whole.rejects)
    for sizes in ((1,), (2, 5, 1), (50,), (128, 3)):
        parts = read(reader, mixed, sizes)
        assert (parts.rows, parts.rejects, parts.clock_ms) == (whole.rows, whole.rejects, whole.clock_ms)
        assert parts.waiting.halves == whole.waiting.halves
    assert len(whole.rows) > 20


def event(offset: int, call: str, kind: str, value: Any, second: float = 0.0, **more: str) -> Message:
    moment = datetime.fromtimestamp(START_MS / 1000 + second, UTC).isoformat()
    headers = {"ce_id": call, "ce_type": f"org.kubeflow.serving.inference.{kind}", "ce_time": moment} | more
    pairs = [(name, text.encode()) for name, text in headers.items()]
    return Message(offset, json.dumps(value).encode(), timestamp=START_MS, headers=pairs)


ASKED, ANSWERED = {"instances": [[41.5, "pro", 2]]}, {"predictions": [1]}


def kserve(extra: str = 'pair = { within = "10s" }') -> Decoder:
    return decoder("kserve-v1", extra, predicts=True)


def test_an_answer_may_come_before_its_request() -> None:
    found = read(kserve(), [event(0, "a", "response", ANSWERED, 3), event(1, "a", "request", ASKED, 1)])
    assert found.rows == [("a#0", START_MS + 1000, 1, START_MS + 3000, 41.5, "pro", 2.0, "1")]


def test_a_half_that_waits_too_long_is_a_reject_at_its_own_offset() -> None:
    records = [
        event(0, "alone", "request", ASKED),
        event(1, "b", "request", ASKED, 10),
        event(2, "b", "response", ANSWERED, 10.001),
        event(3, "alone", "response", ANSWERED, 10.002),
    ]
    found = read(kserve(), records, (1,))
    assert [row[0] for row in found.rows] == ["b#0"]
    told = "no response of 'alone' came in time (pair.within)"
    assert found.rejects == [(0, Reason.UNPAIRED, told, START_MS + 10_001)]
    assert list(found.waiting.halves) == ["alone"]  # the response, which waits in its turn
    assert found.parted == [0]


def test_one_time_far_ahead_parts_no_halves_that_come_after_it() -> None:
    records = [event(0, "ahead", "request", ASKED, 3_000)]
    for n in range(1, 41, 2):
        records += [
            event(n, f"c{n}", "request", ASKED, n),
            event(n + 1, f"c{n}", "response", ANSWERED, n + 0.1),
        ]
    found = read(kserve(), records, (3,))
    assert (len(found.rows), found.rejects) == (20, [])


def test_no_more_halves_wait_than_there_is_room_for() -> None:
    records = [event(n, f"c{n}", "request", ASKED) for n in range(5)]
    found = read(kserve('pair = { within = "10s", most = 3 }'), records)
    assert found.why == [(0, Reason.UNPAIRED), (1, Reason.UNPAIRED)]
    assert "no room to wait for its response (pair.most" in found.rejects[0][2]
    heavy = [event(n, f"c{n}", "request", ASKED | {"pad": "x" * 400_000}) for n in range(4)]
    found = read(kserve('pair = { within = "10s", most_bytes = 1048576 }'), heavy, (1,))
    assert found.why == [(0, Reason.UNPAIRED), (1, Reason.UNPAIRED)]


def test_a_half_that_comes_twice_is_a_reject_and_the_first_one_stays() -> None:
    other = {"instances": [[1.0, "basic", 1]]}
    records = [
        event(0, "a", "request", ASKED),
        event(1, "a", "request", other),
        event(2, "a", "response", ANSWERED),
    ]
    found = read(kserve(), records)
    assert found.rows[0][4:] == (41.5, "pro", 2.0, "1")
    assert found.rejects == [
        (1, Reason.UNPAIRED, "a request of 'a' waits already for its response", START_MS)
    ]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (event(1, "a", "response", {"predictions": [1, 0]}), "has 2 rows, instances has 1"),
        (event(1, "", "response", ANSWERED, ce_time="yesterday"), "is no timestamp"),
        (event(1, "a", "response", ANSWERED, 1e8), "further ahead of the clock than max_future"),
    ],
)
def test_what_cannot_be_put_together_says_why(message: Message, why: str) -> None:
    found = read(kserve(), [event(0, "a", "request", ASKED), message])
    assert found.rows == []
    ((offset, _, detail, _),) = found.rejects
    assert offset == 1
    assert why in detail


def test_a_message_without_an_id_and_one_of_another_kind_are_told_apart() -> None:
    nameless = Message(0, json.dumps(ASKED).encode(), headers=[("ce_type", b"x.inference.request")])
    found = read(kserve(), [nameless, event(1, "f", "feedback", ASKED)])
    assert (found.why, found.filtered) == ([(0, Reason.NO_ID)], 1)


def test_halves_of_another_model_do_not_wait_and_the_response_may_name_it() -> None:
    by_header = kserve('pair = { within = "10s" }\nmodel = "$headers.ce_inferenceservicename"')
    records = [
        event(0, "a", "request", ASKED, ce_inferenceservicename="fraud"),
        event(1, "b", "request", ASKED, ce_inferenceservicename="churn"),
    ]
    found = read(by_header, records)
    assert (found.others, list(found.waiting.halves)) == ([0], ["b"])
    extra = 'pair = { within = "10s" }\nmodel = "model_name"'
    by_answer = decoder("kserve-v2", extra, predicts=True)
    asked = {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP64", "data": [41.5, "pro", 2]}]}
    answer = {"outputs": [{"name": "y", "shape": [1], "datatype": "INT64", "data": [1]}]}
    pairs = [
        event(n, name, kind, body | named)
        for n, (name, kind, body, named) in enumerate(
            (
                ("c", "request", asked, {}),
                ("d", "request", asked, {}),
                ("c", "response", answer, {"model_name": "churn"}),
                ("d", "response", answer, {"model_name": "fraud"}),
            )
        )
    ]
    found = read(by_answer, pairs)
    assert ([row[0] for row in found.rows], found.others) == (["c#0"], [3])
    assert list(found.waiting.halves) == []


def test_decoding_stops_after_the_message_that_brings_enough_rows() -> None:
    many = {"instances": [[41.5, "pro", 2]] * 60}
    records = []
    for n in range(0, 8, 2):
        records.append(event(n, f"c{n}", "request", many))
        records.append(event(n + 1, f"c{n}", "response", {"predictions": [1] * 60}))
    batch = kserve().decode(Chunk(AT, records), NOW, 100)
    assert (len(batch), batch.messages) == (120, 4)
    assert read(kserve(), records, most=100).rows == read(kserve(), records).rows


def test_pairs_need_no_headers_and_no_lists() -> None:
    extra = """
        pair = { kind = "side", request = "in", response = "out" }
        features = "features"
        prediction = "answer.class"
    """
    reader = decoder("nested", extra, predicts=True)
    features = {"age": 1.5, "plan": "pro", "visits": 3}
    values = [
        {"id": "a", "timestamp": START_MS, "side": "in", "features": features},
        {"id": "a", "timestamp": START_MS + 9, "side": "out", "answer": {"class": 1}},
    ]
    found = read(reader, [Message(n, json.dumps(value).encode()) for n, value in enumerate(values)])
    assert found.rows == [("a", START_MS, 1, START_MS, 1.5, "pro", 3.0, "1")]


def test_what_waits_is_the_same_after_it_was_stored() -> None:
    headers = [("ce_id", b"\xff\x00"), ("none", None)]
    half = Half("a", False, START_MS, Message(7, b"\x00\x01", b"key", START_MS, tuple(headers)))
    assert decode(7, encode(half)) == half
