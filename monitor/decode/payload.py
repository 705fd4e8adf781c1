"""A payload that the fast decoder refused, read with patience."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any
from uuid import UUID

_ID_FRAME, _GUID_FRAME = 5, 17
"""Bytes before the payload in Confluent's wire formats: a mark, then an id of 4 bytes or a GUID of 16."""


class Reason(StrEnum):
    """Why a message, or a model's row in it, is set aside; stored in ``rejects``."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    TOO_DEEP = "too_deep"
    NO_TIMESTAMP = "no_timestamp"
    BAD_TIMESTAMP = "bad_timestamp"
    FUTURE_TIMESTAMP = "future_timestamp"
    UNKNOWN_MODEL = "unknown_model"
    NO_ID = "no_id"
    FRAMED = "framed"
    UNFRAMED = "unframed"
    UNKNOWN_SCHEMA = "unknown_schema"
    BAD_ENCODING = "bad_encoding"
    BAD_SHAPE = "bad_shape"
    NO_ROWS = "no_rows"
    TOO_MANY_ROWS = "too_many_rows"
    UNPAIRED = "unpaired"


class Refused(Exception):  # noqa: N818  # an answer, not a failure
    """The payload is no row; carries the reason and a sentence."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def _infinite_if_long(text: str) -> int | float:
    """Read a whole number; one of more digits than Python converts (4,300) is as good as infinite."""
    try:
        return int(text)
    except ValueError:
        return float(text)


_JSON = json.JSONDecoder(parse_int=_infinite_if_long)


def read(value: bytes) -> dict[str, Any]:
    """Give the JSON object in the payload, NaN, Infinity and numbers of any size included.

    Raises `Refused` for anything that is no JSON object.
    """
    payload = read_any(value)
    if not isinstance(payload, dict):
        raise Refused(
            Reason.NOT_AN_OBJECT, f"the message is JSON, but a {type(payload).__name__}, not an object"
        )
    return payload


def read_any(value: bytes) -> Any:
    """Give the JSON in the payload, whatever it is; raises `Refused` when it is none."""
    if not value.strip():
        raise Refused(Reason.EMPTY, "the message is empty")
    refuse_framed(value)
    try:
        return _JSON.decode(value.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Refused(Reason.NOT_UTF8, f"byte {error.start} is not UTF-8") from None
    except RecursionError:
        raise Refused(Reason.TOO_DEEP, "the JSON is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise Refused(Reason.NOT_JSON, f"{error.msg} at character {error.pos}") from None


def refuse_framed(value: bytes) -> None:
    """Raise `Refused` for a value that a schema registry's serializer has framed: no JSON begins so."""
    if value[:1] == b"\x00" and len(value) > _ID_FRAME:
        told = f"0x00 and schema id {int.from_bytes(value[1:_ID_FRAME])}"
    elif value[:1] == b"\x01" and len(value) > _GUID_FRAME:
        told = f"0x01 and schema GUID {UUID(bytes=value[1:_GUID_FRAME])}"
    else:
        return
    raise Refused(
        Reason.FRAMED,
        f"the message begins with {told}: it is framed for a schema registry, set fields.format",
    )
