"""msgspec Structs generated from a layout: the fast way, and the careful way to the same cells."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import msgspec

from monitor.decode.layout import Cell, Keys

MISSING_NUMBER = float("nan")
"""Default of numeric fields: told from a null and from a NaN of the log by identity."""
BAD_NUMBER = float("nan")
MISSING_TEXT = "\x00missing"
BAD_TEXT = "\x00bad type"

_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_UNTYPED_KEY = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')
"""What a Struct's key cannot hold."""

_FIELD_TYPES: dict[Cell, Any] = {
    Cell.NUMBER: float | None,
    Cell.WHOLE: float | None,
    Cell.TEXT: str | None,
    Cell.NUMBER_TEXT: int | float | None,
    Cell.FLAG: bool | None,
    Cell.SCALAR: str | int | float | None,
    Cell.AMOUNT: bool | float | None,
}


class Written(str):
    """A value of a format that has no types, such as CSV: the dictionary says what it is."""

    __slots__ = ()


def number_of(value: Written) -> float | int | None:
    """Read a number as people and programs write it; None when it is none."""
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        return None


def _number(value: object) -> object:
    if isinstance(value, Written):
        value = number_of(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return BAD_NUMBER
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _text(value: object) -> object:
    if not isinstance(value, str):
        return BAD_TEXT
    return value.encode("utf-8", "replace").decode()  # lone surrogates are no text


def _number_text(value: object) -> object:
    if isinstance(value, Written):
        value = number_of(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return BAD_TEXT
    return value if isinstance(value, int) or math.isfinite(value) else BAD_TEXT


def _flag(value: object) -> object:
    if isinstance(value, Written):
        value = _FLAGS.get(value.lower())
    return value if isinstance(value, bool) else BAD_TEXT


def _scalar(value: object) -> object:
    if isinstance(value, str):
        return _text(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _amount(value: object) -> object:
    if isinstance(value, Written):
        value = _FLAGS.get(value.lower(), number_of(value))
    return value if isinstance(value, int | float) else None


_COERCE: dict[Cell, Callable[[object], object]] = {
    Cell.NUMBER: _number,
    Cell.WHOLE: _number,
    Cell.TEXT: _text,
    Cell.NUMBER_TEXT: _number_text,
    Cell.FLAG: _flag,
    Cell.SCALAR: _scalar,
    Cell.AMOUNT: _amount,
}


def _default(cell: Cell) -> object:
    if cell in (Cell.NUMBER, Cell.WHOLE):
        return MISSING_NUMBER
    return None if cell in (Cell.SCALAR, Cell.AMOUNT) else MISSING_TEXT


def _read_from(key: str) -> str | None:
    return None if _UNTYPED_KEY.search(key) else key


@dataclass(slots=True)
class Node:
    """An object of the payload: its leaves, its inner objects, and the Struct that reads it."""

    leaves: dict[str, tuple[Keys, Cell]] = field(default_factory=dict)
    inner: dict[str, Node] = field(default_factory=dict)
    struct: type[msgspec.Struct] = msgspec.Struct

    def add(self, path: Keys, cell: Cell) -> None:
        """Put a leaf into the tree; ValueError when a path runs through another one's end."""
        node = self
        for key in path[:-1]:
            if key in node.leaves:
                raise ValueError(f'path "{".".join(path)}" runs through "{key}", which is read as a value')
            node = node.inner.setdefault(key, Node())
        if path[-1] in node.inner:
            raise ValueError(f'path "{".".join(path)}" is read as a value, but other paths run through it')
        node.leaves.setdefault(path[-1], (path, cell))

    def is_typed(self) -> bool:
        """Whether the Struct can read messages; with an odd key in the tree it only holds what was read."""
        keys = (*self.leaves, *self.inner)
        return not any(map(_UNTYPED_KEY.search, keys)) and all(map(Node.is_typed, self.inner.values()))

    def define(self) -> type[msgspec.Struct]:
        """Make the Struct: leaves first, inner objects after them."""
        fields: list[Any] = [
            (f"v{i}", _FIELD_TYPES[cell], msgspec.field(name=_read_from(key), default=_default(cell)))
            for i, (key, (_, cell)) in enumerate(self.leaves.items())
        ]
        for i, (key, node) in enumerate(self.inner.items()):
            struct = node.define()
            fields.append((f"o{i}", struct, msgspec.field(name=_read_from(key), default_factory=struct)))
        self.struct = msgspec.defstruct("Node", fields, gc=False)
        return self.struct

    def careful(self, payload: dict[str, Any]) -> msgspec.Struct:
        """Make the Struct of a payload that it would refuse; bad cells become marks."""
        cells = [
            _default(cell)
            if key not in payload
            else None
            if payload[key] is None
            else _COERCE[cell](payload[key])
            for key, (_, cell) in self.leaves.items()
        ]
        objects = [
            node.careful(value if isinstance(value := payload.get(key), dict) else {})
            for key, node in self.inner.items()
        ]
        return self.struct(*cells, *objects)

    def transpose(self, rows: Sequence[msgspec.Struct]) -> Iterable[tuple[Keys, Sequence[Any]]]:
        """The cells of each leaf, one per row."""
        cells = list(zip(*map(msgspec.structs.astuple, rows), strict=True))
        for i, (path, _) in enumerate(self.leaves.values()):
            yield path, cells[i]
        for i, node in enumerate(self.inner.values()):
            yield from node.transpose(list(map(attrgetter(f"o{i}"), rows)))


def node_of(leaves: Iterable[tuple[Keys, Cell]]) -> Node:
    """Build the tree of these leaves, with its Structs."""
    root = Node()
    for path, cell in leaves:
        root.add(path, cell)
    root.define()
    return root
