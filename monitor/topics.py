"""Which topics: names, and patterns that names have to match."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

MARK = "^"
"""What a pattern begins with; no name of a topic does."""
_THEIRS = "__"
"""What the names of Kafka's own topics begin with."""


@dataclass(frozen=True, slots=True)
class Topics:
    """Topics by their names, or by patterns: regular expressions for whole names.

    A pattern leaves out Kafka's own topics, and those that ``dead_letters`` can name ("{topic}" stands for
    any): what is put there would be read, rejected and put there again.
    """

    entries: tuple[str, ...] = ()
    dead_letters: str = ""

    def __contains__(self, topic: object) -> bool:
        return isinstance(topic, str) and (topic in self.entries or _is_matched(self, topic))

    def __bool__(self) -> bool:
        return bool(self.entries)

    def __or__(self, other: Topics) -> Topics:
        if not other.entries:
            return self
        entries = dict.fromkeys((*self.entries, *other.entries))
        return Topics(tuple(entries), self.dead_letters or other.dead_letters)

    @property
    def names(self) -> tuple[str, ...]:
        """The entries that are names."""
        return tuple(entry for entry in self.entries if not entry.startswith(MARK))

    @property
    def patterns(self) -> tuple[str, ...]:
        """The entries that are patterns."""
        return tuple(entry for entry in self.entries if entry.startswith(MARK))

    @property
    def expression(self) -> re.Pattern[str]:
        """One regular expression that matches exactly these topics."""
        return _expression(self)

    def among(self, existing: Iterable[str]) -> tuple[str, ...]:
        """Give those of the existing topics that are these, in order."""
        return tuple(sorted(topic for topic in existing if topic in self))


NO_TOPICS = Topics()


@lru_cache(maxsize=256)
def _expression(topics: Topics) -> re.Pattern[str]:
    dead = ".+".join(map(re.escape, topics.dead_letters.split("{topic}")))
    apart = f"(?!{_THEIRS})" + (rf"(?!{dead}\Z)" if dead else "")
    names = map(re.escape, topics.names)
    patterns = (f"{apart}(?:{pattern[1:]})" for pattern in topics.patterns)
    return re.compile(rf"(?:{'|'.join((*names, *patterns))})\Z")


@lru_cache(maxsize=100_000)
def _is_matched(topics: Topics, topic: str) -> bool:
    if topic.startswith(MARK) or not topics.patterns:
        return False
    return _expression(topics).match(topic) is not None
