"""Avro values as plain objects."""

from __future__ import annotations

import io
import json
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException, UnknownType

from monitor.decode.payload import Reason, Refused
from monitor.registry.client import Schema
from monitor.registry.plain import plain


def parsed(schema: Schema) -> Any:
    """Prepare a schema and what it refers to; raises `Refused` for one that is none."""
    names: dict[str, Any] = {}
    try:
        for _, reference in schema.references:
            fastavro.parse_schema(json.loads(reference.text), names)
        return fastavro.parse_schema(json.loads(schema.text), names)
    except (ValueError, TypeError, KeyError, SchemaParseException, UnknownType) as error:
        raise Refused(Reason.UNKNOWN_SCHEMA, f"its Avro schema cannot be read: {str(error)[:200]}") from None


def read_avro(schema: Any, payload: bytes) -> Any:
    """Give the value; raises `Refused` when the bytes are not of the schema."""
    stream = io.BytesIO(payload)
    try:
        value = fastavro.schemaless_reader(stream, schema, None)
    except RecursionError:
        raise Refused(Reason.TOO_DEEP, "the Avro value is nested too deeply") from None
    except Exception as error:  # noqa: BLE001  # whatever damaged bytes make the reader stumble over
        text = f"not of its Avro schema: {type(error).__name__} before byte {stream.tell()}"
        raise Refused(Reason.BAD_ENCODING, text) from None
    if stream.tell() != len(payload):
        text = f"not of its Avro schema: {len(payload) - stream.tell()} bytes are left over"
        raise Refused(Reason.BAD_ENCODING, text)
    return plain(value)
