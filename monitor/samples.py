"""Sample messages from a file, for trying out a configuration before Kafka delivers any."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monitor.decode.payload import Refused, read
from monitor.decode.times import UNREADABLE, milliseconds
from monitor.errors import DataError
from monitor.files import LINES
from monitor.source.base import Message

KEYS = ("$value", "$value_base64", "$key", "$headers", "$timestamp")
"""What a sample may say beside its value: named as the configuration's paths name it."""
_APART = 256
"""Between offsets: each message is one of those that are looked through for unknown keys."""


def sample_messages(path: Path) -> list[Message]:
    """Read one message a line, or the whole file as one; raises DataError.

    An object whose keys are all among `KEYS`, with one of the first two, stands for a message with its key,
    headers and time; every other text is a message's value as it is.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    values = _lines(content) if path.name.lower().endswith(LINES) else _values(content)
    if not values:
        raise DataError(f"{path}: is empty: write one message a line, or one JSON document")
    return [_message(path, number, value) for number, value in enumerate(values)]


def _lines(content: bytes) -> list[bytes]:
    return [line.rstrip(b"\r\n") for line in content.splitlines() if line.strip()]


def _values(content: bytes) -> list[bytes]:
    """Take a file of one document as one message, and else every line, if the first is a document."""
    lines = _lines(content)
    if len(lines) < 2 or _is_json(content) or not _is_json(lines[0]):  # noqa: PLR2004  # one line or none
        return [content.strip()] if lines else []
    return lines


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _message(path: Path, number: int, value: bytes) -> Message:
    envelope = _envelope(value)
    offset = number * _APART
    if envelope is None:
        return Message(offset, value)
    try:
        return Message(
            offset,
            _value(envelope),
            _key(envelope),
            _time_ms(envelope.get("$timestamp")),
            _headers(envelope.get("$headers", {})),
        )
    except ValueError as error:
        raise DataError(f"{path}: message {number + 1}: {error}") from None


def _envelope(value: bytes) -> Mapping[str, Any] | None:
    try:
        found = read(value)
    except Refused:
        return None
    is_one = found.keys() <= set(KEYS) and not found.keys().isdisjoint(KEYS[:2])
    return found if is_one else None


def _value(envelope: Mapping[str, Any]) -> bytes | None:
    if "$value_base64" in envelope:
        try:
            return base64.b64decode(str(envelope["$value_base64"]), validate=True)
        except binascii.Error as error:
            raise ValueError(f"$value_base64: is no base64: {error}") from None
    value = envelope["$value"]
    if value is None:
        return None
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


def _key(envelope: Mapping[str, Any]) -> bytes | None:
    key = envelope.get("$key")
    return None if key is None else str(key).encode()


def _time_ms(stamp: object) -> int:
    if stamp is None:
        return -1
    time_ms = int(milliseconds([stamp], "auto")[0])
    if time_ms == UNREADABLE:
        raise ValueError(f'$timestamp: "{str(stamp)[:60]}" is no time: write milliseconds, or ISO 8601')
    return time_ms


def _headers(given: object) -> Sequence[tuple[str, bytes | None]]:
    if not isinstance(given, dict):
        raise ValueError('$headers: is no object: write {"NAME": "TEXT"}')  # noqa: TRY004  # like a bad time
    return [(name, None if text is None else str(text).encode()) for name, text in given.items()]
