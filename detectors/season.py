"""Which hours of the day, or of the week, rows are of, and which of these hours are looked at together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import numpy as np
from numpy.typing import NDArray

PART = ":season"
"""The stored part of a profile that says in which parts of the season its rows are."""
HOUR_MS = 3_600_000
_QUARTER_MS = 900_000
"""Zones are whole quarters of an hour apart, and change at one."""
_EARLIEST_MS, _LATEST_MS = -2_208_988_800_000, 4_102_444_800_000
"""1900 and 2100: zones of other times are as they are then."""
_MONDAY = 72  # 1970-01-01 was a Thursday

Whole = NDArray[np.int64]


class Hours(StrEnum):
    """What a cycle is made of."""

    OF_DAY = "hour_of_day"
    OF_WEEK = "hour_of_week"

    @property
    def number(self) -> int:
        """How many hours the cycle has."""
        return 24 if self is Hours.OF_DAY else 168

    @property
    def cycle_ms(self) -> int:
        return self.number * HOUR_MS


@dataclass(frozen=True, slots=True)
class Season:
    """A cycle in a time zone, and to which part each of its hours goes, from 00:00 (of Monday) on.

    Parts are numbered from 0; the hours of one follow each other.
    """

    hours: Hours
    zone: str
    parts: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many parts there are."""
        return self.parts[-1] + 1

    def parts_of(self, times_ms: Whole) -> NDArray[np.intp]:
        """The part that each time is in."""
        hours, _ = placed(times_ms, self.hours, self.zone)
        return np.array(self.parts, np.intp)[hours]

    def rows_of(self, times_ms: Whole) -> tuple[int, ...]:
        """How many of the times are in each part."""
        return tuple(np.bincount(self.parts_of(times_ms), minlength=self.size).tolist())


def placed(times_ms: Whole, hours: Hours, zone: str) -> tuple[Whole, Whole]:
    """The hour of the cycle that each time is in, on the clocks of a zone, and the number of the cycle."""
    number = local_ms(times_ms, zone) // HOUR_MS + (_MONDAY if hours is Hours.OF_WEEK else 0)
    return number % hours.number, number // hours.number


def is_zone(name: str) -> bool:
    """Whether a time zone is known."""
    try:
        return bool(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def local_ms(times_ms: Whole, zone: str) -> Whole:
    """What the clocks of a zone show, as if it were UTC."""
    if zone == "UTC":
        return times_ms
    known = np.clip(times_ms, _EARLIEST_MS, _LATEST_MS) // _QUARTER_MS
    quarters, place = np.unique(known, return_inverse=True)
    return times_ms + _ahead_ms(quarters.tolist(), ZoneInfo(zone))[place]


def _ahead_ms(quarters: Iterable[int], zone: ZoneInfo) -> Whole:
    moments = (datetime.fromtimestamp(quarter * _QUARTER_MS / 1000, zone) for quarter in quarters)
    ahead = [moment.utcoffset() for moment in moments]
    return np.array([0 if each is None else round(each.total_seconds() * 1000) for each in ahead], np.int64)


def parted(rows: Whole, cycles: Whole, least_rows: int, least_cycles: int) -> tuple[int, ...]:
    """Put hours together, each with those after it, until every part has so many rows of so many cycles.

    ``rows`` and ``cycles`` are of each hour. What is left at the end goes to the last part.
    """
    parts: list[int] = []
    part = has_rows = has_cycles = 0
    for hour, (there, seen) in enumerate(zip(rows.tolist(), cycles.tolist(), strict=True)):
        is_full = has_rows >= least_rows and has_cycles >= least_cycles
        if is_full and _is_enough(rows[hour:], cycles[hour:], least_rows, least_cycles):
            part, has_rows, has_cycles = part + 1, 0, 0
        parts.append(part)
        has_rows, has_cycles = has_rows + there, max(has_cycles, seen)
    return tuple(parts)


def _is_enough(rows: Whole, cycles: Whole, least_rows: int, least_cycles: int) -> bool:
    return bool(rows.sum() >= least_rows and cycles.max(initial=0) >= least_cycles)


def merged(mine: tuple[int, ...] | None, others: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """The rows in each part of both sides together; unknown if one side's are."""
    if mine is None or others is None:
        return None
    return tuple(a + b for a, b in zip(mine, others, strict=True))


def encode(rows: tuple[int, ...]) -> bytes:
    """The stored form of how many rows are in each part."""
    return msgspec.msgpack.encode(rows)


def decode(data: bytes, season: Season) -> tuple[int, ...]:
    """Read what `encode` wrote; raises ValueError when it is of other parts."""
    rows = msgspec.msgpack.decode(data, type=tuple[int, ...])
    if len(rows) != season.size:
        raise ValueError(f"stored counts have {len(rows)} parts of a season, the reference has {season.size}")
    return rows
