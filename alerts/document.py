"""A message before it has a format: blocks of lines of spans, and the cleaning of hostile text.

Every span is escaped by whoever writes it down, ours as well as theirs.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

NAME_LENGTH = 64


class Look(StrEnum):
    """How a span looks."""

    PLAIN = "plain"
    STRONG = "strong"
    NAME = "name"  # out of the data: a feature, a category
    CODE = "code"  # something to copy


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line. ``address`` makes it a link."""

    text: str
    look: Look = Look.PLAIN
    address: str = ""


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A feature and what is to be said about it."""

    name: str
    line: Line


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, the entries below it, and what was left out in words."""

    heading: Line
    entries: tuple[Entry, ...] = ()
    rest: Line = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A whole message."""

    title: str
    sections: tuple[Section, ...]
    notes: tuple[Line, ...]


def plain(text: str) -> Span:
    """Make a span of our own words, or of numbers."""
    return Span(text)


def name(text: str) -> Span:
    """Make a span of a name that came out of the data, cleaned."""
    return Span(clean(text), Look.NAME)


def foreign(text: str, length: int = 160) -> Span:
    """Make a plain span of words that may hold data, cleaned."""
    return Span(clean(text, length))


def clean(text: str, length: int = NAME_LENGTH) -> str:
    """Make one harmless line of text: nothing invisible, nothing reordered, not long, never blank.

    Control, format (bidirectional overrides, zero widths), surrogate and private
    characters go; any run of spaces and line ends becomes one space.
    """
    head = text[: 8 * length]  # a megabyte in a name must not cost a second
    kept = "".join(" " if c.isspace() else c for c in head if c.isspace() or _is_visible(c))
    line = " ".join(kept.split())
    if len(line) > length:
        line = line[: length - 1].rstrip() + "…"
    return line or "(blank)"


def _is_visible(character: str) -> bool:
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
