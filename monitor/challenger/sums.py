"""What is counted per window: production's model and the challenger on the same rows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

MOST_WINDOWS = 4_096
"""Windows that can still be counted into. Labels may come weeks late, in any order."""
_Z95 = 1.959963984540054
_RULE_OF_THREE = 3.0


class Difference(NamedTuple):
    """Challenger's error rate less production's, with its 95 % confidence interval; NaN without rows."""

    value: float
    low: float
    high: float


class WindowSums(msgspec.Struct, array_like=True):
    """Counts of one window of event time, which begins at ``start_ms``.

    ``rows`` have a label; ``disagreements`` are those of them on which exactly one of both models was wrong.
    ``abstention`` sums, over ``scored_rows``, the share of members that abstained.
    """

    start_ms: int
    rows: int = 0
    production_errors: int = 0
    challenger_errors: int = 0
    disagreements: int = 0
    scored_rows: int = 0
    abstention: float = 0.0
    shed_rows: int = 0

    @property
    def abstention_share(self) -> float | None:
        """The mean share of members that abstained; None without scored rows."""
        return self.abstention / self.scored_rows if self.scored_rows else None

    def compare(self, *, is_production_wrong: bool, is_challenger_wrong: bool) -> None:
        """Count one row with a label."""
        self.rows += 1
        self.production_errors += is_production_wrong
        self.challenger_errors += is_challenger_wrong
        self.disagreements += is_production_wrong != is_challenger_wrong

    def difference(self) -> Difference:
        """Compare the error rates on the same rows.

        The normal interval of the mean of d, which is -1, 0 or 1 for each row: its sum is the difference
        of the errors, that of its squares the disagreements. Where all d are equal the variance
        is 0 and says nothing; then by the rule of three (Hanley and Lippman-Hand, 1983) at most 3 of n rows
        are otherwise. Rows count as independent: errors that come in clusters make the interval too short.
        """
        if not self.rows:
            return Difference(math.nan, math.nan, math.nan)
        mean = (self.challenger_errors - self.production_errors) / self.rows
        variance = self.disagreements / self.rows - mean**2
        if not self.disagreements or abs(mean) == 1.0:
            others = min(1.0, _RULE_OF_THREE / self.rows)
            low, high = mean - others * (mean + 1), mean + others * (1 - mean)
        else:
            half = _Z95 * math.sqrt(variance / (self.rows - 1))
            low, high = mean - half, mean + half
        return Difference(mean, max(-1.0, low), min(1.0, high))

    def add(self, other: WindowSums) -> None:
        """Add another window's counts."""
        for name in self.__struct_fields__[1:]:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Windows:
    """The sums of the latest windows, by start; older ones are let go and not begun again."""

    def __init__(self, window_ms: int) -> None:
        self.window_ms = window_ms
        self._sums: dict[int, WindowSums] = {}
        self._changed: set[int] = set()

    def of_time(self, time_ms: int) -> WindowSums | None:
        """Give the sums to which a row of this time is to be added; None when its window is too old."""
        return self.of_start(time_ms - time_ms % self.window_ms)

    def of_start(self, start_ms: int) -> WindowSums | None:
        """Give the sums of the window that starts then, new ones if need be; they count as changed."""
        if start_ms not in self._sums:
            if len(self._sums) >= MOST_WINDOWS:
                oldest_ms = min(self._sums)
                if start_ms < oldest_ms:
                    return None
                del self._sums[oldest_ms]
                self._changed.discard(oldest_ms)
            self._sums[start_ms] = WindowSums(start_ms)
        self._changed.add(start_ms)
        return self._sums[start_ms]

    def changed(self) -> tuple[WindowSums, ...]:
        """Give the windows that changed since the last time, by start."""
        found = tuple(self._sums[start_ms] for start_ms in sorted(self._changed))
        self._changed.clear()
        return found

    def all(self) -> tuple[WindowSums, ...]:
        """Give all windows, by start."""
        return tuple(self._sums[start_ms] for start_ms in sorted(self._sums))

    def put(self, sums: WindowSums) -> None:
        """Let these be the sums of their window."""
        if self.of_start(sums.start_ms) is not None:
            self._sums[sums.start_ms] = sums

    def replace(self, found: Iterable[WindowSums]) -> None:
        """Take over windows that were counted elsewhere, where they hold more than is known here."""
        for each in found:
            mine = self.of_start(each.start_ms)
            if mine is not None:
                more = max(mine, each, key=lambda one: (one.rows, one.scored_rows))
                self.put(msgspec.structs.replace(more, shed_rows=max(mine.shed_rows, each.shed_rows)))
