"""Spans of time as people write them: "5m", "1h30m", "3y"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

_UNITS_MS = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
_SHOWN = ("d", "h", "m", "s", "ms")
_LONGEST_MS = 100 * _UNITS_MS["y"]
_WHOLE = re.compile(r"(?:[0-9]{1,15}(?:ms|[ywdhms]))+", re.ASCII)
_PART = re.compile(r"([0-9]+)(ms|[ywdhms])", re.ASCII)
_HOW = 'write a whole number and its unit, like "5m" or "1h30m" (units: ms, s, m, h, d, w, y)'


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A span of time of at most 100 years, exact to the millisecond; "1y" is 365 days."""

    ms: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``text``; raises ValueError with the way out."""
        compact = text.replace(" ", "")
        if not _WHOLE.fullmatch(compact):
            raise ValueError(f"{_shortened(text)} is not a duration: {_HOW}")
        total = sum(int(number) * _UNITS_MS[unit] for number, unit in _PART.findall(compact))
        if total > _LONGEST_MS:
            raise ValueError(f"{_shortened(text)} is longer than 100 years")
        return cls(total)

    @property
    def seconds(self) -> float:
        return self.ms / 1_000

    @property
    def delta(self) -> timedelta:
        return timedelta(milliseconds=self.ms)

    def __str__(self) -> str:
        """Give a text that `parse` reads as the same duration, in years only when they are whole."""
        years, rest = divmod(self.ms, _UNITS_MS["y"])
        if years and not rest:
            return f"{years}y"
        parts, rest = [], self.ms
        for unit in _SHOWN:
            count, rest = divmod(rest, _UNITS_MS[unit])
            if count:
                parts.append(f"{count}{unit}")
        return "".join(parts) or "0s"


@dataclass(frozen=True, slots=True)
class Age:
    """How old something may become before it is deleted: a duration, or for ever."""

    limit: Duration | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a duration or "forever"; raises ValueError with the way out."""
        if text == "forever":
            return cls(None)
        try:
            return cls(Duration.parse(text))
        except ValueError as error:
            raise ValueError(f'{error}, or "forever"') from None

    def before(self, now: datetime) -> datetime | None:
        """Give the time before which everything has expired; None when nothing ever does."""
        return None if self.limit is None else now - self.limit.delta

    def __str__(self) -> str:
        return "forever" if self.limit is None else str(self.limit)


def _shortened(text: str) -> str:
    return f'"{text[:40]}..."' if len(text) > 40 else f'"{text}"'  # noqa: PLR2004  # enough to recognise it
