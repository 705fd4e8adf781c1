"""Steps of the wall clock: somebody set it, or the machine slept."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.clock import Clock
from monitor.log import logger

log = logger(__name__)

_LEAST = timedelta(seconds=2)
"""Less is a clock that is slewed, or a process that was not run between two looks."""


class Steps:
    """Compares how far the wall clock and the monotonic one have gone since the last look."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset_s = self._seen()[1]

    def look(self) -> tuple[datetime, timedelta]:
        """Give the time, and by how much the clock was set since the last look: zero if it was not."""
        now, offset_s = self._seen()
        by = timedelta(seconds=offset_s - self._offset_s)
        self._offset_s = offset_s
        if abs(by) < _LEAST:
            return now, timedelta(0)
        event = "the system clock was set ahead" if by > timedelta(0) else "the system clock was set back"
        log.warning(event, seconds=round(abs(by).total_seconds(), 1))
        return now, by

    def _seen(self) -> tuple[datetime, float]:
        now = self._clock.now()
        return now, now.timestamp() - self._clock.monotonic()
