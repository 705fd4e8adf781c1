"""Event-time windows: which one a row belongs to, when one has ended, which longer ones end with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from monitor.store.base import PartitionClock

NEVER_MS = -(2**62)
"""Stands for the event time of a partition without rows: before everything."""
_UNATTENDED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the rows of one batch belong.

    ``starts_ms`` is each row's window, ``late`` the rows whose window had ended for their own partition,
    ``max_before_ms`` the partition's event time before each row, ``max_ms`` after the last.
    """

    starts_ms: NDArray[np.int64]
    late: NDArray[np.bool_]
    max_before_ms: NDArray[np.int64]
    max_ms: int

    def take(self, rows: NDArray[np.bool_]) -> Placed:
        """Give the chosen rows; ``max_ms`` stays that of all."""
        return Placed(self.starts_ms[rows], self.late[rows], self.max_before_ms[rows], self.max_ms)


def place(
    times_ms: NDArray[np.int64],
    max_ms: int,
    window_ms: int,
    lateness_ms: int,
    closed_until_ms: int,
    reached_ms: NDArray[np.int64] | None = None,
) -> Placed:
    """Assign rows to tumbling windows aligned to 1970-01-01 UTC.

    A row is late when, before it came, event time in its partition had passed its window's end by the allowed
    lateness, or when its window has been judged already. The first is decided row by row in the order of the
    partition, so that the outcome does not depend on how the rows were batched. ``reached_ms`` is event time
    before each row and after the last one, where something else than rows moves it, too.
    """
    starts = times_ms - times_ms % window_ms
    reached = reached_ms
    if reached is None:
        reached = np.maximum.accumulate(np.concatenate(([max_ms], times_ms)))
    late = (starts + (window_ms + lateness_ms) <= reached[:-1]) | (starts < closed_until_ms)
    return Placed(starts, late, reached[:-1], int(reached[-1]))


def watermark_ms(
    clocks: Iterable[PartitionClock], now: datetime, idle_after: timedelta, lateness_ms: int
) -> int | None:
    """Event time that every partition has passed, less the lateness; None when there is no partition.

    A partition that has been read to its end and stayed silent for ``idle_after`` no longer holds the others
    back: wall time stands in for it, so a quiet stream's windows close too. It does so up to when the
    partition's owner last looked: what came since then, while a process is dead or frozen, is not known. One
    that nobody has looked at for a day, because its topic is gone, holds nothing back.
    """
    times = []
    for clock in clocks:
        looked = clock.checked_at or clock.active_at
        until = now if now - looked >= _UNATTENDED else looked
        idle = clock.caught_up and until - clock.active_at >= idle_after
        event_ms = NEVER_MS if clock.max_event_ms is None else clock.max_event_ms
        times.append(max(event_ms, int(until.timestamp() * 1000)) if idle else event_ms)
    return min(times) - lateness_ms if times else None


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A window of ``multiple`` base windows, aligned to its own length."""

    start_ms: int
    end_ms: int
    multiple: int


def span_at(time_ms: int, multiple: int, window_ms: int) -> Span:
    """Give the window of this length that the time falls into."""
    length = window_ms * multiple
    start = time_ms - time_ms % length
    return Span(start, start + length, multiple)


def spans_ending(
    previous_start_ms: int | None, start_ms: int, multiples: Iterable[int], window_ms: int
) -> tuple[Span, ...]:
    """Windows longer than the base that have ended once the base window at ``start_ms`` is closed.

    Those that end with it; and those that hold the previously closed base window and ended in the silence
    between the two. Shortest first.
    """
    end_ms = start_ms + window_ms
    due = set()
    for multiple in multiples:
        if multiple == 1:
            continue
        current = span_at(start_ms, multiple, window_ms)
        if current.end_ms == end_ms:
            due.add(current)
        if previous_start_ms is not None:
            before = span_at(previous_start_ms, multiple, window_ms)
            if previous_start_ms + window_ms < before.end_ms <= start_ms:
                due.add(before)
    return tuple(sorted(due, key=lambda span: (span.multiple, span.start_ms)))
