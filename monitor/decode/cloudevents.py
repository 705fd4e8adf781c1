"""CloudEvents 1.0 on Kafka: attributes in headers (binary), or around the data in the value (structured)."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from monitor.decode.layout import Meta
from monitor.decode.meta import meta_cells
from monitor.decode.payload import Reason, Refused, read_any
from monitor.source.base import Message, Record

_CONTENT_TYPE = Meta("header", "content-type")
_STRUCTURED = "application/cloudevents+json"
_BATCH = "application/cloudevents-batch"
_REQUIRED = ("specversion", "id", "source", "type")
_DATA = ("data", "data_base64")


def opened(record: Record, payload: Any) -> tuple[Record, Any]:
    """Give the event's data, and the record as if its attributes had come in headers; raises `Refused`.

    A value with all of the attributes that the specification requires is a structured event, also where no
    content type says so: bridges lose it, and files have none. A binary event comes back as it is.
    """
    (kind,) = meta_cells(_CONTENT_TYPE, [record])
    told = (kind or "").lower()
    if told.startswith(_BATCH):
        raise Refused(Reason.BAD_SHAPE, f"{_BATCH}+json: on Kafka each event is a message of its own")
    is_event = isinstance(payload, dict) and all(key in payload for key in _REQUIRED)
    if not is_event:
        if told.startswith(_STRUCTURED):
            raise Refused(Reason.BAD_SHAPE, f"{_STRUCTURED} without {', '.join(_REQUIRED)}")
        return record, payload
    attributes = [
        (f"ce_{name}", str(value).encode("utf-8", "replace"))
        for name, value in payload.items()
        if name not in _DATA and value is not None and not isinstance(value, dict | list)
    ]
    headers = [*record.headers, *attributes]
    return Message(record.offset, record.value, record.key, record.timestamp, headers), _data(payload)


def _data(event: dict[str, Any]) -> Any:
    if "data_base64" not in event:
        return event.get("data")
    try:
        return read_any(base64.b64decode(str(event["data_base64"]), validate=True))
    except (binascii.Error, ValueError) as error:
        raise Refused(Reason.BAD_ENCODING, f"data_base64 is no base64: {str(error)[:200]}") from None
