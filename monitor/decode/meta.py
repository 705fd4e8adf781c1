"""Cells that come from the record instead of its payload, and cells as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.dictionary import category_text
from monitor.decode.layout import Meta
from monitor.source.base import Record


def meta_cells(meta: Meta, records: Sequence[Record]) -> Sequence[Any]:
    """One cell per record; None where the record has no such thing.

    The topic and the partition are not of the record: ask the chunk.
    """
    if meta.name == "timestamp":
        return [None if record.timestamp < 0 else record.timestamp for record in records]
    if meta.name == "offset":
        return [record.offset for record in records]
    if meta.name == "key":
        return [_decoded(record.key) for record in records]
    return [_header(record, meta.header) for record in records]


def _header(record: Record, name: str) -> str | None:
    """Give the last header of this name, case ignored."""
    wanted = _folded(name)
    for header, value in reversed(record.headers):
        if _folded(header) == wanted:
            return _decoded(value)
    return None


def _folded(header: str) -> str:
    """Give a header's name as it is compared: a CloudEvent's ce_id on Kafka is ce-id in HTTP."""
    name = header.lower()
    return f"ce_{name[3:]}" if name.startswith("ce-") else name


def _decoded(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")


def texts(cells: Sequence[Any]) -> NDArray[np.object_]:
    """Scalars as text, one object each; None stays None."""
    values = np.empty(len(cells), dtype=np.object_)
    if set(map(type, cells)) <= {str}:
        values[:] = cells
    else:
        values[:] = [None if cell is None else str(cell) for cell in cells]
    return values


def categories(cells: Sequence[Any]) -> NDArray[np.object_]:
    """Scalars as the texts that they are counted under as categories; None stays None."""
    known = {(type(cell), cell): category_text(cell) for cell in cells}
    values = np.empty(len(cells), dtype=np.object_)
    values[:] = [known[type(cell), cell] for cell in cells]
    return values
