"""Tables: the same cells as HTML and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from monitor.page import say

Kind = Literal["text", "time", "number", "percent", "verdict"]
Value = str | float | int | bool | datetime | None
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class Cell:
    """A value with a place that it leads to."""

    value: Value
    href: str


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, what kind of values stand below it, and its name for machines."""

    name: str
    heading: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; the first column names the row."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Value | Cell]]
    nothing: str = "nothing"
    csv: str = ""


def to_csv(table: Table) -> str:
    """Give the table for machines. Text that a spreadsheet would run as a formula gets an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([column.name for column in table.columns])
    for row in table.rows:
        plain = (cell.value if isinstance(cell, Cell) else cell for cell in row)
        writer.writerow(
            [_for_csv(value, column.kind) for value, column in zip(plain, table.columns, strict=True)]
        )
    return out.getvalue()


def _for_csv(value: Value, kind: Kind) -> str | float | int:
    if value is None:
        return ""
    if kind == "time" and isinstance(value, int | datetime):
        return say.iso(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return str(value) if isinstance(value, datetime) else value
