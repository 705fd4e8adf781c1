"""Each preset on a hundred messages as the system writes them, and on what is odd about its format."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from detectors.dictionary import Dictionary, Feature, Kind, Role
from monitor.config import Config, parse
from monitor.decode.decoder import Batch, Decoder
from monitor.decode.payload import Reason
from monitor.layouts import labels_layout_of, layout_of
from monitor.source.base import Chunk, Message, TopicPartition
from tests.monitor.decode import logs
from tests.monitor.decode.logs import NAMES, START_MS, Headers, Logged, Make

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KINDS = {"age": (Kind.NUMERIC, "float"), "plan": (Kind.CATEGORICAL, "str"), "visits": (Kind.NUMERIC, "int")}
PREDICTION = Feature("prediction", Kind.CATEGORICAL, "int", Role.PREDICTION)
LABEL = Feature("label", Kind.CATEGORICAL, "int", Role.LABEL)


def config(preset: str, extra: str = "", model: str = "") -> Config:
    return parse(
        f"""
        [kafka]
        bootstrap_servers = ["localhost:9092"]
        [database]
        url = "sqlite://"
        [models.churn]
        topics = ["logged"]
        {model}
        [models.churn.fields]
        preset = "{preset}"
        {extra}
        """
    )


def dictionary(*, prefix: str = "", predicts: bool = False) -> Dictionary:
    features = {prefix + name: Feature(prefix + name, *KINDS[name]) for name in NAMES}  # type: ignore[arg-type]
    return Dictionary(features | ({"prediction": PREDICTION} if predicts else {}) | {"label": LABEL})


def decoder(
    preset: str, extra: str = "", *, prefix: str = "", predicts: bool = False, most: int = 100
) -> Decoder:
    settings = config(preset, extra).models["churn"]
    layout = layout_of(
        "churn", settings.fields.resolved("churn"), dictionary(prefix=prefix, predicts=predicts)
    )
    return Decoder(layout, "churn", 1 << 20, 3_600_000, most)


def decode(reader: Decoder, *records: Message, topic: str = "logged") -> Batch:
    return reader.decode(Chunk(TopicPartition(topic, 0), records), NOW)


def one(reader: Decoder, value: Any, headers: Headers | None = None) -> Batch:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    pairs = [(name, text.encode()) for name, text in (headers or {}).items()]
    return decode(reader, Message(0, body, timestamp=START_MS, headers=pairs))


def cells(batch: Batch, prefix: str = "") -> list[tuple[Any, ...]]:
    names = [*(prefix + name for name in NAMES), *(["prediction"] if "prediction" in batch.columns else [])]
    assert all(batch.columns[name].presence is None for name in names), batch.columns
    return list(zip(*(batch.columns[name].values.tolist() for name in names), strict=True))


def why(batch: Batch) -> tuple[str, str]:
    assert not len(batch)
    (reject,) = batch.rejects
    return reject.reason, reject.detail


MANY: dict[str, Make] = {
    "kserve-v1": logs.kserve_v1,
    "kserve-v2": logs.kserve_v2,
    "kserve-blob": logs.kserve_blob,
    "seldon-v1": logs.seldon_v1,
    "mlflow": logs.mlflow,
    "sagemaker-capture": logs.sagemaker_capture,
}
SINGLE: dict[str, Make] = {"bentoml": logs.bentoml, "feast": logs.feast, "cloudevents": logs.of_cloudevents}
PREDICTING = {"mlflow", "sagemaker-capture", "bentoml", "cloudevents"}


@pytest.mark.parametrize("preset", [*MANY, *SINGLE])
def test_a_hundred_messages_come_out_as_the_rows_that_went_in(preset: str) -> None:
    rng = Random(preset)
    sizes = [rng.choice((1, 1, 2, 5)) if preset in MANY else 1 for _ in range(100)]
    batches: list[list[Logged]] = [logs.rows(rng, size) for size in sizes]
    make = (MANY | SINGLE)[preset]
    prefix = "stats__" if preset == "feast" else ""
    reader = decoder(preset, prefix=prefix, predicts=preset in PREDICTING)
    batch = decode(reader, *logs.messages(make, rng, batches))
    assert batch.rejects == ()
    logged = [row for rows in batches for row in rows]
    answers = [(str(row.prediction),) if preset in PREDICTING else () for row in logged]
    assert cells(batch, prefix) == [
        (*row.cells, *answer) for row, answer in zip(logged, answers, strict=True)
    ]
    ids = [f"event-{n}" + f"#{i}" * (preset in MANY) for n, size in enumerate(sizes) for i in range(size)]
    assert batch.ids is not None
    assert batch.ids.tolist() == ids
    assert batch.offsets.tolist() == [n for n, size in enumerate(sizes) for _ in range(size)]
    seconds = [
        START_MS + n * 1000 + 250 * (preset == "bentoml") for n, size in enumerate(sizes) for _ in range(size)
    ]
    assert batch.times_ms.tolist() == seconds
    assert batch.messages == 100


@pytest.mark.parametrize("preset", ["kserve-v1", "kserve-v2", "seldon-v1", "kserve-blob"])
def test_responses_are_passed_over_and_counted(preset: str) -> None:
    rng, make = Random(1), MANY[preset]
    (request,) = logs.messages(make, rng, [logs.rows(rng, 2)])
    value = (request.value or b"").replace(b".inference.request", b".inference.response")
    headers = [(name, (text or b"").replace(b".request", b".response")) for name, text in request.headers]
    batch = decode(decoder(preset), request, Message(1, value, timestamp=START_MS, headers=headers))
    assert (len(batch), batch.filtered, batch.rejects) == (2, 1, ())


def test_responses_can_be_watched_as_a_model_of_their_own() -> None:
    extra = """
        when = { "$headers.ce_type" = "*.inference.response" }
        explode = "predictions"
        features = ""
        prediction = "predictions"
    """
    headers = logs.event_headers(Random(1), 0, "response")
    batch = one(decoder("kserve-v1", extra, predicts=True), {"predictions": [1, [0]]}, headers)
    assert batch.columns["prediction"].values.tolist() == ["1", "0"]


def test_two_tensors_and_one_of_rows_say_the_same() -> None:
    one_tensor = {"name": "x", "shape": [2, 3], "datatype": "FP64", "data": [1.5, 0, 2, 3.5, 0, 4]}
    nested = one_tensor | {"data": [[1.5, 0, 2], [3.5, 0, 4]]}
    for tensor in (one_tensor, nested):
        batch = one(decoder("kserve-v2"), {"inputs": [tensor]}, logs.event_headers(Random(1), 0))
        assert batch.columns["age"].values.tolist() == [1.5, 3.5]
        assert batch.columns["visits"].values.tolist() == [2, 4]


def test_a_score_for_each_class_is_read_by_position_or_name() -> None:
    extra = 'prediction = ""\nscores = { no = "response.0", yes = "response.predictions.1" }'
    features = {name: Feature(name, *KINDS[name]) for name in NAMES}  # type: ignore[arg-type]
    scores = {
        f"scores.{name}": Feature(f"scores.{name}", Kind.NUMERIC, "float", Role.SCORE)
        for name in ("no", "yes")
    }
    settings = config("mlflow", extra).models["churn"]
    layout = layout_of("churn", settings.fields.resolved("churn"), Dictionary(features | scores))
    value, _ = logs.mlflow(Random(1), 0, logs.rows(Random(1), 2))
    lists = value | {"response": json.dumps({"predictions": [[0.25, 0.75], [0.5, 0.5]]})}
    batch = one(Decoder(layout, "churn", 1 << 20, 0, 10), lists)
    assert batch.columns["scores.yes"].values.tolist() == [0.75, 0.5]


@pytest.mark.parametrize(
    ("preset", "value", "reason", "told"),
    [
        (
            "mlflow",
            {"status_code": 200, "request": "{"},
            Reason.BAD_ENCODING,
            "request is no json: Expecting",
        ),
        ("mlflow", {"status_code": 200}, Reason.NO_ROWS, "there is nothing at request"),
        (
            "mlflow",
            {"status_code": 200, "request": '{"instances": []}'},
            Reason.NO_ROWS,
            "request has no rows",
        ),
        ("mlflow", {"status_code": 200, "request": '{"instances": 7}'}, Reason.BAD_SHAPE, "a int where rows"),
        (
            "mlflow",
            {
                "status_code": 200,
                "request": '{"instances": [[1,"a",2]]}',
                "response": '{"predictions": [1, 2]}',
            },
            Reason.BAD_SHAPE,
            "response has 2 rows, request has 1",
        ),
        (
            "mlflow",
            {"status_code": 200, "request": '{"instances": [[1]]}'},
            Reason.BAD_SHAPE,
            "a row has 1 values",
        ),
        (
            "mlflow",
            {"status_code": 200, "request": '{"inputs": {"a": [1], "b": []}}'},
            Reason.BAD_SHAPE,
            "lengths",
        ),
        (
            "kserve-blob",
            {"reqType": "x.inference.request", "bytes": "?"},
            Reason.BAD_ENCODING,
            "bytes is no base64",
        ),
        (
            "mlflow",
            {"status_code": 200, "request": '{"inputs": [{"name": "x", "shape": [2, 3], "data": [1]}]}'},
            Reason.BAD_SHAPE,
            "'x' is of shape [2, 3] and 1 cells",
        ),
        (
            "mlflow",
            {
                "status_code": 200,
                "request": '{"inputs": [{"name": "x", "shape": [1000000000, 0], "data": []}]}',
            },
            Reason.TOO_MANY_ROWS,
            "1000000000 rows, limits.max_rows_per_message is 100",
        ),
        (
            "mlflow",
            {"status_code": 200, "request": json.dumps({"instances": [1] * 101})},
            Reason.TOO_MANY_ROWS,
            "101",
        ),
        (
            "sagemaker-capture",
            {"captureData": {"endpointInput": {"encoding": "CSV", "data": "1\n" * 101}}},
            Reason.TOO_MANY_ROWS,
            "more than 100 rows",
        ),
        ("mlflow", [1], Reason.NOT_AN_OBJECT, "a list"),
    ],
)
def test_what_is_no_row_is_one_reject_that_says_why(
    preset: str, value: Any, reason: Reason, told: str
) -> None:
    found, detail = why(one(decoder(preset, predicts=preset in PREDICTING), value))
    assert found == reason
    assert told in detail


def test_a_time_that_is_wrong_rejects_a_message_of_many_rows_once() -> None:
    value, _ = logs.mlflow(Random(1), 0, logs.rows(Random(1), 5))
    assert why(one(decoder("mlflow"), value | {"timestamp_ms": "soon"}))[0] == Reason.BAD_TIMESTAMP
    assert why(one(decoder("mlflow"), value | {"timestamp_ms": None}))[0] == Reason.NO_TIMESTAMP


def test_decoding_stops_after_the_message_that_brings_enough_rows() -> None:
    rng = Random(1)
    records = list(logs.messages(logs.kserve_v1, rng, [logs.rows(rng, 5) for _ in range(100)]))
    records.insert(3, Message(2, None))
    reader = decoder("kserve-v1")
    batch = reader.decode(Chunk(TopicPartition("logged", 0), records), NOW, most_rows=12)
    assert (len(batch), batch.messages, batch.tombstones) == (15, 4, 1)
    assert len(decode(reader, *records)) == 500


def test_binary_structured_and_base64_events_are_the_same_row() -> None:
    data = {"features": {"age": 1.5, "plan": "pro", "visits": 2}, "prediction": 1}
    attributes = {"specversion": "1.0", "id": "a", "source": "s", "type": "t", "time": "2026-01-01T00:00:00Z"}
    binary = one(
        decoder("cloudevents", predicts=True), data, {f"ce_{name}": text for name, text in attributes.items()}
    )
    structured = one(decoder("cloudevents", predicts=True), attributes | {"data": data})
    inside = base64.b64encode(json.dumps(data).encode()).decode()
    encoded = one(decoder("cloudevents", predicts=True), attributes | {"data_base64": inside})
    for batch in (binary, structured, encoded):
        assert batch.ids is not None
        assert (batch.ids.tolist(), cells(batch)) == (["a"], [(1.5, "pro", 2, "1")])
        assert batch.times_ms.tolist() == [START_MS]


def test_an_event_without_a_time_has_that_of_its_record() -> None:
    batch = one(decoder("cloudevents"), {"features": {"age": 1, "plan": "pro", "visits": 2}}, {"ce_id": "a"})
    assert batch.times_ms.tolist() == [START_MS]


def test_batched_and_incomplete_events_are_rejected_in_words() -> None:
    reader = decoder("cloudevents")
    batched = one(reader, [], {"content-type": "application/cloudevents-batch+json"})
    assert "each event is a message of its own" in why(batched)[1]
    incomplete = one(reader, {"id": "a"}, {"content-type": "application/cloudevents+json; charset=UTF-8"})
    assert "without specversion, id, source, type" in why(incomplete)[1]


def test_status_of_feast_tells_missing_from_null() -> None:
    value = {"__request_id": "a", "__log_timestamp": "2026-01-01T00:00:00Z"}
    statuses = {"age": 2, "plan": "NOT_FOUND", "visits": 4}
    for name, status in statuses.items():
        value |= {f"s__{name}": None, f"s__{name}__status": status}  # type: ignore[dict-item]
    batch = one(decoder("feast", prefix="s__"), value)
    found = {name: batch.columns[f"s__{name}"].presence for name in NAMES}
    assert {name: int(code[0]) for name, code in found.items() if code is not None} == {
        "age": 2, "plan": 1, "visits": 1,
    }  # fmt: skip


def test_ground_truth_meets_the_rows_of_its_capture() -> None:
    loaded = config("sagemaker-capture", "label = 'label'", 'labels_topics = ["truth"]')
    settings = loaded.models["churn"]
    settings_with = parse(
        """
        [kafka]
        bootstrap_servers = ["localhost:9092"]
        [database]
        url = "sqlite://"
        [models.churn]
        topics = ["logged"]
        labels_topics = ["truth"]
        fields = { preset = "sagemaker-capture" }
        labels_fields = { preset = "sagemaker-groundtruth" }
        """
    ).models["churn"]
    assert settings.labels_fields.resolved(settings.fields, "churn").shape is None
    layout = labels_layout_of("churn", settings_with, dictionary(predicts=True))
    assert layout is not None
    truth = {
        "groundTruthData": {"data": "1\n0", "encoding": "CSV"},
        "eventMetadata": {"eventId": "event-0"},
        "eventVersion": "0",
    }
    nameless = truth | {"eventMetadata": {}}
    batch = one(Decoder(layout, "churn", 1 << 20, 0, 10), truth)
    assert batch.ids is not None
    assert batch.labels is not None
    assert (batch.ids.tolist(), batch.labels.values.tolist()) == (["event-0#0", "event-0#1"], ["1", "0"])
    assert batch.times_ms.tolist() == [START_MS] * 2
    assert why(one(Decoder(layout, "churn", 1 << 20, 0, 10), nameless))[0] == Reason.NO_ID


def test_a_framed_value_where_json_is_expected_is_named() -> None:
    for preset in ("nested", "mlflow"):
        reason, detail = why(one(decoder(preset), b"\x00\x00\x00\x00\x07{}"))
        assert reason == "framed"
        assert "0x00 and schema id 7: it is framed for a schema registry, set fields.format" in detail
        reason, detail = why(one(decoder(preset), b"\x01" + bytes(range(16)) + b"{}"))
        assert (reason, "GUID 00010203-0405-0607-0809-0a0b0c0d0e0f" in detail) == ("framed", True)


def test_conditions_match_numbers_texts_and_wildcards() -> None:
    extra = 'when = { kind = ["live", "sh*"], code = 200, "$headers.retry" = 0, ok = true }'
    good = {"kind": "shadow", "code": 200.0, "ok": True, "id": "a", "timestamp": START_MS, "features": {}}
    reader = decoder("nested", extra)
    assert len(one(reader, good, {"retry": "0"})) == 1
    for change in ({"kind": "test"}, {"code": 404}, {"code": True}, {"ok": 1}, {"kind": None}):
        batch = one(reader, good | change, {"retry": "0"})
        assert (len(batch), batch.filtered, batch.rejects) == (0, 1, ()), change
    assert one(reader, good).filtered == 1
