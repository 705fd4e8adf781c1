"""When a digest is due: once a day or once a week, at a time of the day in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TEXT = re.compile(r"(daily|" + "|".join(WEEKDAYS) + r") ([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Timetable:
    """A minute of every day, or of one day of every week; Monday is 0."""

    minute: int
    weekday: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "daily 07:00" or "monday 07:00"; raises ValueError with the way out."""
        found = _TEXT.fullmatch(text)
        if found is None:
            raise ValueError(
                f'"{text[:40]}" is no time for a digest: write "daily 07:00" or "monday 07:00" (UTC)'
            )
        day, hour, minute = found.groups()
        return cls(int(hour) * 60 + int(minute), None if day == "daily" else WEEKDAYS.index(day))

    def after(self, now: datetime) -> datetime:
        """Give the first time that is later than ``now``."""
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        at = midnight + timedelta(minutes=self.minute)
        if self.weekday is not None:
            at += timedelta(days=(self.weekday - at.weekday()) % 7)
        if at > now:
            return at
        return at + timedelta(days=1 if self.weekday is None else 7)
