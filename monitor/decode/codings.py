"""Text inside a payload that is a payload itself: JSON, CSV, base64 of either."""

from __future__ import annotations

import base64
import binascii
import csv
import io
from collections.abc import Callable
from typing import Any

from monitor.decode.layout import Coding, Keys
from monitor.decode.payload import Reason, Refused, read_any
from monitor.decode.shape import Written

_KEY = "encoding"


def decode_inside(payload: dict[str, Any], keys: Keys, coding: Coding, most_rows: int) -> None:
    """Put what the text at a path holds into its place; nothing happens where there is no text.

    Raises `Refused` when the text does not hold it.
    """
    around: Any = payload
    for key in keys[:-1]:
        around = around.get(key) if isinstance(around, dict) else None
    text = around.get(keys[-1]) if isinstance(around, dict) else None
    if not isinstance(text, str):
        return
    named = _named(around.get(_KEY)) if coding == "encoding" else coding
    try:
        around[keys[-1]] = _READ[named](text, most_rows)
    except Refused as refused:
        where = ".".join(keys)
        reason = refused.reason if refused.reason in _OWN else Reason.BAD_ENCODING
        raise Refused(reason, f"{where[:100]} is no {named}: {refused.detail}") from None


_OWN = {Reason.TOO_MANY_ROWS, Reason.TOO_DEEP}


def _named(told: object) -> str:
    """Give what SageMaker's capture calls an encoding by our name."""
    name = told.lower() if isinstance(told, str) else "json"
    return name if name in _READ else "json"


def _json(text: str, most_rows: int) -> Any:
    """Read one document, or one a line."""
    try:
        return read_any(text.encode("utf-8", "replace"))
    except Refused:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2:  # noqa: PLR2004  # no lines of documents
            raise
    _bounded(len(lines), most_rows)
    return [read_any(line.encode("utf-8", "replace")) for line in lines]


def _csv(text: str, most_rows: int) -> list[list[Written | None]]:
    """Read lines of cells; an empty cell is null."""
    rows: list[list[Written | None]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), skipinitialspace=True):
            if row:
                rows.append([Written(cell) if cell else None for cell in row])
                _bounded(len(rows), most_rows)
    except csv.Error as error:
        raise Refused(Reason.BAD_ENCODING, str(error)) from None
    return rows


def _bytes(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as error:  # text beyond ASCII, or bytes that are no text
        raise Refused(Reason.BAD_ENCODING, f"base64 of a text: {str(error)[:200]}") from None


def _either(text: str, most_rows: int) -> Any:
    """Read base64 of JSON or, when that is none, of CSV."""
    inside = _bytes(text)
    try:
        return _json(inside, most_rows)
    except Refused:
        return _csv(inside, most_rows)


def _bounded(rows: int, most_rows: int) -> None:
    if rows > most_rows:
        raise Refused(Reason.TOO_MANY_ROWS, f"more than {most_rows} rows, limits.max_rows_per_message")


_READ: dict[str, Callable[[str, int], Any]] = {
    "json": _json,
    "csv": _csv,
    "base64+json": lambda text, most_rows: _json(_bytes(text), most_rows),
    "base64+csv": lambda text, most_rows: _csv(_bytes(text), most_rows),
    "base64": _either,
}
