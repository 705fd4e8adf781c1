"""Framed values: the serializers of Confluent's client, on fastavro, Protobuf and JSON Schema.

The registry is the client's own in memory; its schemas go into a file of their own. By turns they are named
in the frame of version 0 and in a header.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from confluent_kafka.schema_registry import SchemaRegistryClient, header_schema_id_serializer
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

from tests.formats.produce.writing import keep, message, rows

AVRO = {
    "type": "record",
    "name": "Logged",
    "namespace": "org.example",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {
            "name": "features",
            "type": {
                "type": "record",
                "name": "Features",
                "fields": [
                    {"name": "age", "type": ["null", "double"]},
                    {"name": "plan", "type": "string"},
                    {"name": "visits", "type": "long"},
                    {"name": "owner", "type": "boolean"},
                ],
            },
        },
        {"name": "prediction", "type": "int"},
        {"name": "score", "type": "double"},
    ],
}
JSON_SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Logged",
    "type": "object",
    "properties": {"id": {"type": "string"}, "features": {"type": "object"}},
    "required": ["id", "features"],
}
"""A schema says what it says; the serializer checks each value against it."""

Serialize = Callable[[Any, SerializationContext], bytes]


def as_object(row: dict[str, Any]) -> dict[str, Any]:
    features = {name: row[name] for name in ("age", "plan", "visits", "owner")}
    return {
        "id": row["id"],
        "timestamp": datetime.fromtimestamp(row["time_ms"] / 1000, UTC),
        "features": features,
        "prediction": row["prediction"],
        "score": row["score"],
    }


def message_class() -> Any:
    """Make the class that protoc would make, the second message of its file."""
    file = descriptor_pb2.FileDescriptorProto(name="logged.proto", package="churn", syntax="proto3")
    file.dependency.append("google/protobuf/timestamp.proto")
    kinds = descriptor_pb2.FieldDescriptorProto
    features = file.message_type.add(name="Features")
    for number, (name, kind) in enumerate(
        (
            ("age", kinds.TYPE_DOUBLE),
            ("plan", kinds.TYPE_STRING),
            ("visits", kinds.TYPE_INT64),
            ("owner", kinds.TYPE_BOOL),
        ),
        1,
    ):
        features.field.add(name=name, number=number, type=kind, label=kinds.LABEL_OPTIONAL)
    logged = file.message_type.add(name="Logged")
    for number, (name, kind, of) in enumerate(
        (
            ("id", kinds.TYPE_STRING, None),
            ("timestamp", kinds.TYPE_MESSAGE, ".google.protobuf.Timestamp"),
            ("features", kinds.TYPE_MESSAGE, ".churn.Features"),
            ("prediction", kinds.TYPE_INT32, None),
            ("score", kinds.TYPE_DOUBLE, None),
        ),
        1,
    ):
        logged.field.add(name=name, number=number, type=kind, type_name=of, label=kinds.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("churn.Logged"))


def as_message(kind: Any, row: dict[str, Any]) -> Any:
    made = kind(**{name: value for name, value in as_object(row).items() if name != "timestamp"})
    made.timestamp.FromMilliseconds(row["time_ms"])
    return made


def write(name: str, of: Callable[[Any], Any], serializers: list[Serialize]) -> None:
    lines = []
    for number, row in enumerate(rows()):
        headers: dict[str, Any] = {}
        about = SerializationContext(name, MessageField.VALUE, headers)
        value = serializers[number % len(serializers)](of(row), about)
        lines.append(message(value, headers, row["id"], row["time_ms"] + 5))
    keep(name, lines, "confluent-kafka", "fastavro", "protobuf")


def schemas(client: SchemaRegistryClient, *names: str) -> None:
    """Keep what the registry knows, as it answers in JSON."""
    told = {}
    for name in names:
        found = client.get_latest_version(f"{name}-value")
        schema = found.schema
        told[found.schema_id] = {
            "guid": found.guid,
            "schema": schema.schema_str,
            "schemaType": schema.schema_type,
            "references": [
                {"name": each.name, "subject": each.subject, "version": each.version}
                for each in schema.references or ()
            ],
        }
    path = Path(sys.argv[2]) / "schemas.json"
    path.write_text(json.dumps(told, indent=1) + "\n")


def main() -> None:
    client = SchemaRegistryClient.new_client({"url": "mock://churn"})
    in_header = {"schema.id.serializer": header_schema_id_serializer}
    avro = [AvroSerializer(client, json.dumps(AVRO), conf=conf) for conf in ({}, in_header)]
    write("avro", as_object, avro)
    texts = [JSONSerializer(json.dumps(JSON_SCHEMA), client, conf=conf) for conf in ({}, in_header)]
    write("json-schema", lambda row: as_object(row) | {"timestamp": row["time_ms"]}, texts)
    kind = message_class()
    protobuf = [ProtobufSerializer(kind, client, conf=conf) for conf in ({}, in_header)]
    write("protobuf", lambda row: as_message(kind, row), protobuf)
    schemas(client, "avro", "json-schema", "protobuf")


if __name__ == "__main__":
    main()
