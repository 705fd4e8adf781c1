"""Where in a TOML text each table and key begins: no TOML library tells."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field

from monitor.config.section import Place

_KEY = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_PART = re.compile(_KEY)
_DOTTED = re.compile(rf"[ \t]*{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*")
_SKIPPED = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_PIECE = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[{]|[\]}]|\n|[^\"'\#\[\]{}\n]+",
    re.DOTALL,
)


def locate(text: str) -> dict[Place, int]:
    """Give the line (from 1) of every table and key; what inline values hold has the line of its key.

    ``text`` must be valid TOML.
    """
    lines: dict[Place, int] = {}
    line, counted = 1, 0
    for place, position in _Scan(text).statements():
        line, counted = line + text.count("\n", counted, position), position
        for length in range(1, len(place) + 1):
            lines.setdefault(place[:length], line)
    return lines


def line_of(place: Place, lines: dict[Place, int]) -> int | None:
    """Give the line of a place, or of the nearest table around it; None when nothing of it is there."""
    for length in range(len(place), 0, -1):
        if place[:length] in lines:
            return lines[place[:length]]
    return None


@dataclass
class _Scan:
    text: str
    table: Place = ()
    counts: dict[Place, int] = field(default_factory=dict)

    def statements(self) -> Iterator[tuple[Place, int]]:
        position = self._skipped(0)
        while position < len(self.text):
            start = position
            if self.text[position] == "[":
                position = self._header(position)
                yield self.table, start
            else:
                found = _DOTTED.match(self.text, position)
                if found is None:
                    return
                yield (*self.table, *_parts(found[0])), start
                position = self._after_value(found.end())
            position = self._skipped(position)

    def _skipped(self, position: int) -> int:
        found = _SKIPPED.match(self.text, position)
        return found.end() if found else position

    def _header(self, position: int) -> int:
        is_list = self.text.startswith("[[", position)
        found = _DOTTED.match(self.text, position + 1 + is_list)
        if found is None:
            return len(self.text)
        self.table = self._placed(_parts(found[0]), is_list=is_list)
        return self.text.index("]", found.end()) + 1 + is_list

    def _placed(self, parts: Place, *, is_list: bool) -> Place:
        place: Place = ()
        for depth, part in enumerate(parts):
            place = (*place, part)
            if is_list and depth == len(parts) - 1:
                self.counts[place] = self.counts.get(place, -1) + 1
            if place in self.counts:
                place = (*place, self.counts[place])
        return place

    def _after_value(self, position: int) -> int:
        depth = 0
        while found := _PIECE.match(self.text, position):
            position, piece = found.end(), found[0]
            depth += (piece in "[{") - (piece in "]}")
            if piece == "\n" and depth <= 0:
                break
        return position


def _parts(dotted: str) -> Place:
    return tuple(_unquoted(part) for part in _PART.findall(dotted))


def _unquoted(part: str) -> str:
    if part.startswith("'"):
        return part[1:-1]
    if part.startswith('"'):
        text: str = tomllib.loads(f"key = {part}")["key"]
        return text
    return part
