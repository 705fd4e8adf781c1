"""What every table of the configuration has in common."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import msgspec

Place = tuple[str | int, ...]
"""The keys and list positions that lead to a value."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with the value at ``place``, without naming the place again.

    A stray one is a key that should not be there: its text names it, as one of the table around it.
    """

    place: Place
    text: str
    is_stray: bool = False


class InvalidSection(ValueError):  # noqa: N818  # the sentence "raise InvalidSection" is clear enough
    """A table whose keys are well typed but do not fit; places are relative to the table."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("; ".join(f"{shown(mistake.place)}: {mistake.text}" for mistake in mistakes))
        self.mistakes = mistakes


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table: immutable, and refused whole when `mistakes` finds any. ``TABLE`` says what one looks like."""

    TABLE: ClassVar[str] = "a table"

    def __post_init__(self) -> None:
        found = tuple(self.mistakes())
        if found:
            raise InvalidSection(found)

    def mistakes(self) -> Iterator[Mistake]:
        """Yield what the types of the keys cannot say."""
        yield from ()


def repeated(key: str, names: Sequence[str]) -> Iterator[Mistake]:
    """Yield a mistake for every name of a list that stands there before."""
    for position, name in enumerate(names):
        if name in names[:position]:
            yield Mistake((key, position), f'"{name}" is listed twice')


def shown(place: Place) -> str:
    """Give a place as people read it: ``models.churn.topics[0]``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")


def nearest(word: str, known: Iterable[str]) -> str:
    """Give ', did you mean "..."?' when a known word is close, else nothing."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f', did you mean "{by_lower[close[0]]}"?' if close else ""
