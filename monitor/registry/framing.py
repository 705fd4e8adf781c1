"""Confluent's wire formats: which schema a value was written with, and where its payload begins. Pure."""

from __future__ import annotations

from uuid import UUID

from monitor.decode.layout import Meta
from monitor.decode.payload import Reason, Refused
from monitor.source.base import Record

HEADER = "__value_schema_id"
"""The header that names the schema where values are not framed themselves."""
_IN_HEADER = Meta("header", HEADER)
_ID_END, _GUID_END = 5, 17


def unframed(record: Record) -> tuple[str, bytes, bytes]:
    """Give the place of the schema below a registry's address, what follows it in its frame, and the payload.

    The frame is a mark with a number of 4 bytes (0x00) or a GUID (0x01), in the header or before the payload.
    Raises `Refused` for a value without one.
    """
    value = record.value or b""
    for name, told in reversed(record.headers):
        if name == HEADER and told is not None:
            found = _schema(told)
            if found is None:
                raise Refused(Reason.UNFRAMED, f"the header {HEADER} holds no schema id")
            return found[0], told[found[1] :], value
    found = _schema(value)
    if found is None:
        text = f"neither framed with a schema id nor with a header {HEADER}: is fields.format right?"
        raise Refused(Reason.UNFRAMED, f"the message is {text}")
    return found[0], b"", value[found[1] :]


def _schema(frame: bytes) -> tuple[str, int] | None:
    if frame[:1] == b"\x00" and len(frame) >= _ID_END:
        return f"schemas/ids/{int.from_bytes(frame[1:_ID_END])}", _ID_END
    if frame[:1] == b"\x01" and len(frame) >= _GUID_END:
        return f"schemas/guids/{UUID(bytes=frame[1:_GUID_END])}", _GUID_END
    return None
