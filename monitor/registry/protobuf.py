"""Protobuf values as plain objects, by the descriptors that the registry serves."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor import Descriptor, FileDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from monitor.decode.payload import Reason, Refused
from monitor.registry.client import Schema
from monitor.registry.plain import plain

_WELL_KNOWN = (
    any_pb2,
    descriptor_pb2,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
_MAIN = "the value's own file"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_VARINT = 10


@dataclass(frozen=True, slots=True)
class Messages:
    """The messages of one file, and the pool that keeps them."""

    file: FileDescriptor
    pool: DescriptorPool


def messages_of(schema: Schema) -> Messages:
    """Prepare a schema and what it imports; raises `Refused` for one that is none."""
    pool = DescriptorPool()
    for known in _WELL_KNOWN:
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    try:
        for name, reference in schema.references:
            pool.Add(_file(reference.text, name))
        pool.Add(_file(schema.text, _MAIN))
        return Messages(pool.FindFileByName(_MAIN), pool)
    except (binascii.Error, DecodeError, TypeError, ValueError, KeyError) as error:
        text = f"its Protobuf schema cannot be read: {str(error)[:200]}"
        raise Refused(Reason.UNKNOWN_SCHEMA, text) from None


def _file(text: str, name: str) -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(text, validate=True))
    file.name = name
    return file


def read_protobuf(messages: Messages, payload: bytes) -> Any:
    """Give the value behind the list of indexes that says which message it is; raises `Refused`."""
    path, begin = _indexes(payload)
    kind = _kind(messages.file, path)
    try:
        message = GetMessageClass(kind).FromString(payload[begin:])
    except (DecodeError, UnicodeDecodeError) as error:
        raise Refused(Reason.BAD_ENCODING, f"not a {kind.name} of Protobuf: {str(error)[:200]}") from None
    return _object(message)


def _indexes(payload: bytes) -> tuple[Sequence[int], int]:
    """Read the zigzag numbers before the message: how many, then each; a lone 0 is the first message."""
    numbers = _varints(payload)
    n, end = next(numbers)
    if n == 0:
        return (0,), end
    if not 0 < n <= len(payload):
        raise Refused(Reason.BAD_ENCODING, "the list of Protobuf's message indexes is damaged")
    path = []
    for _ in range(n):
        index, end = next(numbers)
        path.append(index)
    return path, end


def _varints(payload: bytes) -> Iterator[tuple[int, int]]:
    value = shift = 0
    for end, byte in enumerate(payload, 1):
        value |= (byte & 0x7F) << shift
        shift += 7
        if shift > 7 * _LONGEST_VARINT:
            break
        if not byte & 0x80:
            yield (value >> 1) ^ -(value & 1), end
            value = shift = 0
    raise Refused(Reason.BAD_ENCODING, "the list of Protobuf's message indexes ends too early")


def _kind(file: FileDescriptor, path: Sequence[int]) -> Descriptor:
    inside = list(file.message_types_by_name.values())
    for depth, index in enumerate(path):
        if not 0 <= index < len(inside):
            raise Refused(Reason.BAD_ENCODING, f"the schema has no message {'.'.join(map(str, path[:8]))}")
        if depth == len(path) - 1:
            return inside[index]
        inside = list(inside[index].nested_types)
    raise Refused(Reason.BAD_ENCODING, "the list of Protobuf's message indexes is empty")


def _object(message: Message) -> Any:
    """Give the fields by their names; one that has presence and is not set is absent."""
    if message.DESCRIPTOR.full_name == "google.protobuf.Timestamp":
        return _time(message)
    if message.DESCRIPTOR.file.name == "google/protobuf/wrappers.proto":
        return plain(getattr(message, "value"))  # noqa: B009  # of any of the wrappers
    found = {}
    for field in message.DESCRIPTOR.fields:
        if not field.has_presence or message.HasField(field.name):
            found[field.name] = _field(field, getattr(message, field.name))
    return found


def _field(field: Any, value: Any) -> Any:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        inner = field.message_type.fields_by_name["value"]
        return {str(key): _one(inner, each) for key, each in value.items()}
    if field.is_repeated:
        return [_one(field, each) for each in value]
    return _one(field, value)


def _one(field: Any, value: Any) -> Any:
    if field.message_type is not None:
        return _object(value)
    if field.enum_type is not None:
        named = field.enum_type.values_by_number.get(value)
        return value if named is None else named.name
    return plain(value)


def _time(message: Any) -> str | None:
    try:
        return (_EPOCH + timedelta(seconds=message.seconds, microseconds=message.nanos // 1000)).isoformat()
    except OverflowError:
        return None
