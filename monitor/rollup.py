"""Counts of old windows added up to days: as exact as before, for whole days."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from detectors.profile import Profile, decode_parts, encode_parts
from detectors.reference import Reference
from monitor.config.durations import Age
from monitor.store.base import ClosedWindow, DayCounts, Store
from monitor.store.types import to_ms

DAY_MS = 86_400_000
_PAGE = 64
_AGAIN_AFTER = timedelta(days=1)
Find = Callable[[str], Reference | None]


class RollUp:
    """Goes through the days of every model, oldest first, one at a time, and once a day begins anew."""

    def __init__(self, store: Store, after: Age, find: Find) -> None:
        self._store = store
        self._after = after
        self._find = find
        self._reached: dict[str, int] = {}
        self._again_at: datetime | None = None

    def step(self, now: datetime) -> bool:
        """Add up at most one day of each model; tell whether there may be more to do."""
        before = self._after.before(now)
        if before is None:
            return False
        if self._again_at is None or now >= self._again_at or self._again_at > now + _AGAIN_AFTER:
            self._again_at = now + _AGAIN_AFTER
            self._reached.clear()
        done = False
        for model, until_ms in self._store.closed_until().items():
            reached = roll_up_next(
                self._store, model, self._reached.get(model), min(to_ms(before), until_ms), before, self._find
            )
            if reached is not None:
                self._reached[model] = reached
                done = True
        return done


@dataclass(slots=True)
class _Sum:
    """Windows of one day that were counted on one reference."""

    first: ClosedWindow
    last: ClosedWindow
    profile: Profile
    starts: list[int] = field(default_factory=list)
    rows: int = 0

    def add(self, window: ClosedWindow, profile: Profile) -> None:
        self.last = window
        self.profile = self.profile.merge(profile)
        self.starts.append(window.start_ms)
        self.rows += len(window.counts)


def roll_up_next(
    store: Store, model: str, reached_ms: int | None, until_ms: int, before: datetime, find: Find
) -> int | None:
    """Add up the first day from ``reached_ms`` on that can be, and give its end; None: there is none.

    The day has to end by ``until_ms``, its windows to be judged before ``before``; else it stays as it is.
    """
    start_ms = store.first_counts(model, reached_ms, until_ms, before)
    if start_ms is None:
        return None
    day_ms = start_ms - start_ms % DAY_MS
    if day_ms + DAY_MS > until_ms:
        return None
    sums: dict[str, _Sum] = {}
    for window in _windows(store, model, day_ms, day_ms + DAY_MS):
        if window.closed_at >= before:
            return day_ms + DAY_MS
        reference = find(window.reference_id) if window.reference_id and window.counts else None
        if reference is None:
            continue
        if window.reference_id not in sums:
            sums[window.reference_id] = _Sum(window, window, Profile.empty(reference))
        sums[window.reference_id].add(window, decode_parts(window.counts, reference))
    for one in sums.values():
        if len(one.starts) > 1:
            store.roll_up(_day(one), tuple(one.starts), one.rows)
    return day_ms + DAY_MS


def _windows(store: Store, model: str, from_ms: int, until_ms: int) -> Iterator[ClosedWindow]:
    while page := store.closed_windows(model, from_ms, until_ms, _PAGE):
        yield from page
        from_ms = page[-1].start_ms + 1


def _day(one: _Sum) -> DayCounts:
    return DayCounts(
        model=one.first.model,
        start_ms=one.first.start_ms,
        last_start_ms=one.last.start_ms,
        end_ms=one.last.end_ms,
        reference_id=one.first.reference_id,
        windows=len(one.starts),
        counts=encode_parts(one.profile),
    )
