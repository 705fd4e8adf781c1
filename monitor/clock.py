"""The only place that reads a clock."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

CLOCKS_DIFFER = timedelta(minutes=5)
"""How much the clocks of machines may differ: what lies further ahead than it can is of a clock set back."""


class Clock(Protocol):
    """Time as an argument: the service gets the system's, tests get one they move by hand."""

    def now(self) -> datetime:
        """Give the wall-clock time, aware and in UTC."""

    def monotonic(self) -> float:
        """Give seconds that never go back, from an arbitrary start."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until the event is set (True) or the time has passed (False)."""


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  # the one place

    def monotonic(self) -> float:
        return time.monotonic()  # noqa: TID251  # the one place

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds)


class ManualClock:
    """A clock that stands still until `advance` moves it; `wait` moves it too."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.advance(seconds)
        return event.is_set()

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds
