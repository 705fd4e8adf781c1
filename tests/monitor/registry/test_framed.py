"""Framed values through decoders, with schemas from a registry over real HTTP."""

from __future__ import annotations

import base64
import io
import json
import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import fastavro
import pytest
from google.protobuf import descriptor_pb2, message_factory, timestamp_pb2
from google.protobuf.descriptor_pool import DescriptorPool

from detectors.dictionary import Dictionary, Feature, Kind, Role
from monitor.clock import ManualClock
from monitor.compile import decoder_of
from monitor.config import parse
from monitor.decode.decoder import Batch, Decoder
from monitor.decode.layout import Format
from monitor.decode.payload import Reason
from monitor.errors import ConfigError, RegistryError
from monitor.layouts import layout_of
from monitor.registry.client import Registry
from monitor.source.base import Chunk, Message, TopicPartition
from tests.fuzz.properties import hold
from tests.monitor.decode.logs import START_MS, rows
from tests.services.schema_registry import SchemaRegistry, running

NOW = datetime(2026, 3, 1, tzinfo=UTC)
AT = TopicPartition("logged", 0)
FEATURES = {
    "type": "record",
    "name": "Features",
    "fields": [
        {"name": "age", "type": ["null", "double"]},
        {"name": "plan", "type": {"type": "enum", "name": "Plan", "symbols": ["basic", "pro"]}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
    ],
}


def logged(features: Any) -> dict[str, Any]:
    return {
        "type": "record",
        "name": "Logged",
        "fields": [
            {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
            {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "features", "type": features},
            {"name": "prediction", "type": "int"},
        ],
    }


SCHEMA = logged(FEATURES)
DICTIONARY = Dictionary(
    {
        "age": Feature("age", Kind.NUMERIC, "float"),
        "plan": Feature("plan", Kind.CATEGORICAL, "str"),
        "price": Feature("price", Kind.NUMERIC, "float"),
        "prediction": Feature("prediction", Kind.CATEGORICAL, "int", Role.PREDICTION),
    }
)


@pytest.fixture
def registry() -> Iterator[SchemaRegistry]:
    with running() as served:
        served.add(7, json.dumps(SCHEMA))
        yield served


def decoder(registry: SchemaRegistry, form: Format = "avro", clock: ManualClock | None = None) -> Decoder:
    settings = parse(
        f"""
        [kafka]
        bootstrap_servers = ["localhost:9092"]
        [database]
        url = "sqlite://"
        [registry]
        url = "{registry.url}"
        [models.churn]
        topics = ["logged"]
        fields = {{ format = "{form}", score = "" }}
        """
    ).models["churn"]
    layout = layout_of("churn", settings.fields.resolved("churn"), DICTIONARY)
    client = Registry(registry.url, 5.0, clock or ManualClock(NOW))
    return decoder_of("churn", "fields", layout, settings, 1 << 20, 100, client)


def row(number: int, age: float | None = 41.5) -> dict[str, Any]:
    return {
        "id": UUID(int=number),
        "timestamp": datetime.fromtimestamp(START_MS / 1000 + number, UTC),
        "features": {"age": age, "plan": "pro", "price": Decimal("9.99")},
        "prediction": number % 2,
    }


def avro(value: dict[str, Any], schema: Any = SCHEMA) -> bytes:
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(json.loads(json.dumps(schema))), value)
    return stream.getvalue()


def framed(schema_id: int, payload: bytes) -> bytes:
    return b"\x00" + struct.pack(">I", schema_id) + payload


def decode(reader: Decoder, *values: bytes, headers: list[tuple[str, bytes | None]] | None = None) -> Batch:
    records = [Message(i, value, timestamp=START_MS, headers=headers or []) for i, value in enumerate(values)]
    return reader.decode(Chunk(AT, records), NOW)


def why(batch: Batch) -> tuple[str, str]:
    (reject,) = batch.rejects
    return reject.reason, reject.detail


def test_a_hundred_avro_messages_are_the_rows_that_were_written(registry: SchemaRegistry) -> None:
    rng = Random(1)
    ages = [each.age if rng.random() < 0.9 else None for each in rows(rng, 100)]
    batch = decode(decoder(registry), *(framed(7, avro(row(i, age))) for i, age in enumerate(ages)))
    assert batch.rejects == ()
    assert [None if age != age else age for age in batch.columns["age"].values.tolist()] == ages  # noqa: PLR0124
    assert set(batch.columns["price"].values.tolist()) == {9.99}
    assert set(batch.columns["plan"].values.tolist()) == {"pro"}
    assert batch.times_ms.tolist() == [START_MS + 1000 * i for i in range(100)]
    assert batch.ids is not None
    assert batch.ids[99] == str(UUID(int=99))
    assert registry.asked == ["/schemas/ids/7"]


def test_every_way_to_name_the_schema_is_understood(registry: SchemaRegistry) -> None:
    guid, payload = registry.add(8, json.dumps(SCHEMA)), avro(row(1))
    reader = decoder(registry)
    ways: list[tuple[bytes, list[tuple[str, bytes | None]]]] = [
        (framed(8, payload), []),
        (b"\x01" + guid.bytes + payload, []),
        (payload, [("__value_schema_id", framed(8, b""))]),
        (payload, [("__value_schema_id", b"\x01" + guid.bytes), ("__key_schema_id", framed(9, b""))]),
    ]
    for value, headers in ways:
        batch = decode(reader, value, headers=headers)
        assert batch.columns["age"].values.tolist() == [41.5], headers


def test_schemas_that_refer_to_others_are_put_together(registry: SchemaRegistry) -> None:
    registry.add(20, json.dumps(FEATURES), subject="features/value")
    reference = {"name": "Features", "subject": "features/value", "version": 1}
    registry.known["/subjects/features%2Fvalue/versions/1"] = registry.known["/schemas/ids/20"]
    registry.add(21, json.dumps(logged("Features")), references=[reference])
    batch = decode(decoder(registry), framed(21, avro(row(1))))
    assert batch.columns["age"].values.tolist() == [41.5]


def test_what_cannot_be_read_is_a_reject_that_says_why(registry: SchemaRegistry) -> None:
    reader = decoder(registry)
    payload = avro(row(1))
    assert why(decode(reader, json.dumps({"id": 1}).encode()))[0] == Reason.UNFRAMED
    assert why(decode(reader, payload, headers=[("__value_schema_id", b"?")]))[0] == Reason.UNFRAMED
    reason, detail = why(decode(reader, framed(7, payload[:-3])))
    assert (reason, detail.startswith("not of its Avro schema")) == (Reason.BAD_ENCODING, True)
    assert why(decode(reader, framed(7, payload + b"\x00")))[1].endswith("1 bytes are left over")
    assert why(decode(reader, framed(99, payload))) == (
        Reason.UNKNOWN_SCHEMA,
        "the schema registry has no schemas/ids/99",
    )
    registry.add(10, "{}", "JSON")
    assert "is a schema of JSON, but fields.format is avro" in why(decode(reader, framed(10, payload)))[1]
    registry.add(11, '{"type": "recrod"}')
    assert "its Avro schema cannot be read" in why(decode(reader, framed(11, payload)))[1]


def test_a_registry_that_is_away_is_an_outage_and_no_reject(registry: SchemaRegistry) -> None:
    reader, value = decoder(registry), framed(7, avro(row(1)))
    for status in (500, 401, 404):
        registry.failing = status
        with pytest.raises(RegistryError, match=f"registry 127.0.0.1: schemas/ids/7: answered {status}"):
            decode(reader, value)
    registry.failing = None
    assert len(decode(reader, value)) == 1
    registry.failing = 500
    assert len(decode(reader, value)) == 1  # known by now
    gone = Registry("http://user:secret@127.0.0.1:1", 0.5, ManualClock(NOW))
    with pytest.raises(RegistryError, match="no answer: ConnectionError") as raised:
        gone.schema("schemas/ids/7")
    assert "secret" not in str(raised.value)


def test_models_that_read_the_same_topic_ask_once(registry: SchemaRegistry) -> None:
    client = Registry(registry.url, 5.0, ManualClock(NOW))
    assert client.schema("schemas/ids/7") == client.schema("schemas/ids/7")
    assert registry.asked == ["/schemas/ids/7"]


def test_a_schema_that_does_not_exist_is_asked_for_again_after_a_while(registry: SchemaRegistry) -> None:
    clock = ManualClock(NOW)
    reader, value = decoder(registry, clock=clock), framed(50, avro(row(1)))
    for _ in range(3):
        assert why(decode(reader, value))[0] == Reason.UNKNOWN_SCHEMA
    assert registry.asked == ["/schemas/ids/50"]
    registry.add(50, json.dumps(SCHEMA))
    clock.advance(31)
    assert len(decode(reader, value)) == 1


def test_json_behind_a_frame_needs_no_schema(registry: SchemaRegistry) -> None:
    value = {
        "id": "a",
        "timestamp": START_MS,
        "features": {"age": 1, "plan": "pro", "price": 2},
        "prediction": 1,
    }
    batch = decode(decoder(registry, "json-schema"), framed(3, json.dumps(value).encode()))
    assert (len(batch), registry.asked) == (1, [])


def proto(name: str, fields: Sequence[tuple[str, Any, int, str]]) -> descriptor_pb2.DescriptorProto:
    made = descriptor_pb2.DescriptorProto(name=name)
    for number, (field, kind, label, type_name) in enumerate(fields, 1):
        label_of: Any = label
        made.field.add(name=field, number=number, type=kind, label=label_of, type_name=type_name or None)
    return made


def protobuf_files() -> tuple[descriptor_pb2.FileDescriptorProto, descriptor_pb2.FileDescriptorProto]:
    kinds = descriptor_pb2.FieldDescriptorProto
    one, double, text, message, whole = (
        1,
        kinds.TYPE_DOUBLE,
        kinds.TYPE_STRING,
        kinds.TYPE_MESSAGE,
        kinds.TYPE_INT64,
    )
    shared = descriptor_pb2.FileDescriptorProto(name="features.proto", package="shared", syntax="proto3")
    features = [("age", double, one, ""), ("plan", text, one, ""), ("price", double, one, "")]
    shared.message_type.append(proto("Features", features))
    main = descriptor_pb2.FileDescriptorProto(name="logged.proto", package="churn", syntax="proto3")
    main.dependency.extend(["features.proto", "google/protobuf/timestamp.proto"])
    main.message_type.append(proto("Other", [("x", text, one, "")]))
    places = [
        ("id", text, one, ""),
        ("timestamp", message, one, ".google.protobuf.Timestamp"),
        ("features", message, one, ".shared.Features"),
        ("prediction", whole, one, ""),
    ]
    main.message_type.append(proto("Logged", places))
    return shared, main


def test_a_hundred_protobuf_messages_are_the_rows_that_were_written(registry: SchemaRegistry) -> None:
    shared, main = protobuf_files()
    pool = DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    for file in (shared, main):
        pool.Add(file)
    kind: Any = message_factory.GetMessageClass(pool.FindMessageTypeByName("churn.Logged"))
    texts = [base64.b64encode(file.SerializeToString()).decode() for file in (shared, main)]
    registry.add(30, texts[0], "PROTOBUF", subject="features")
    reference = {"name": "features.proto", "subject": "features", "version": 1}
    registry.add(31, texts[1], "PROTOBUF", [reference])
    values, ages = [], [each.age for each in rows(Random(1), 100)]
    for number, age in enumerate(ages):
        features = {"age": age, "plan": "pro", "price": 9.5}
        made = kind(id=str(number), features=features, prediction=number % 2)
        made.timestamp.FromMilliseconds(START_MS + number)
        values.append(
            framed(31, b"\x02\x02" + made.SerializeToString())
        )  # one index, zigzag: the second message
    batch = decode(decoder(registry, "protobuf"), *values)
    assert batch.rejects == ()
    assert batch.columns["age"].values.tolist() == ages
    assert batch.columns["prediction"].values.tolist() == [str(i % 2) for i in range(100)]
    assert batch.times_ms.tolist() == [START_MS + i for i in range(100)]
    reader = decoder(registry, "protobuf")
    assert "the schema has no message 7" in why(decode(reader, framed(31, b"\x02\x0e")))[1]
    assert why(decode(reader, framed(31, b"\x02\x02\xff\xff")))[0] == Reason.BAD_ENCODING
    assert why(decode(reader, framed(31, b"")))[0] == Reason.BAD_ENCODING


def test_damaged_frames_and_payloads_keep_every_promise(registry: SchemaRegistry) -> None:
    rng, reader = Random(1), decoder(registry)
    made = []
    for number in range(400):
        value = bytearray(framed(7, avro(row(number))))
        for _ in range(rng.choice((0, 1, 3))):
            value[rng.randrange(4, len(value))] = rng.randrange(256)
        cut = rng.randrange(len(value)) if rng.random() < 0.2 else len(value)
        made.append(Message(number, bytes(value[:cut]), timestamp=START_MS))
    batch = hold(reader, AT, made, rng)
    assert 100 < len(batch) < 400


def test_a_format_without_a_registry_is_a_mistake_of_the_configuration() -> None:
    text = '[kafka]\nbootstrap_servers = ["a:1"]\n[database]\nurl = "sqlite://"\n'
    with pytest.raises(
        ConfigError, match=r'models.m.fields.format: "avro" needs the schemas: set registry.url'
    ):
        parse(text + '[models.m]\ntopics = ["t"]\nfields = { format = "avro" }\n')
