"""What the challenger has told so far, until the database has it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from monitor.challenger.rows import LabelledRow, WireRow
from monitor.challenger.sums import Windows, WindowSums
from monitor.challenger.terms import Terms
from monitor.challenger.watch import Rise
from monitor.store.values import ChallengerResult

_MOST_WARNINGS = 100


@dataclass(frozen=True, slots=True)
class EarlyWarning:
    """More members of the challenger are unsure since ``changed_ms``.

    Its rows come from where it knows little, or labels have just unlearned what it knew.

    ``before`` and ``after`` are mean shares of abstaining members; ``rows_since`` rows of the sample have
    come since the change, the last at ``noticed_ms``. Times are event times.
    """

    model: str
    changed_ms: int
    noticed_ms: int
    before: float
    after: float
    rows_since: int


class Results:
    """Windows and warnings, shared by the service's thread and the one that feeds the challenger."""

    def __init__(self, terms: Terms, window_ms: int) -> None:
        self._terms = terms
        self._windows = Windows(window_ms)
        self._untold: set[int] = set()
        self._sheds: set[int] = set()  # windows whose shed rows the challenger does not know
        self._warnings: deque[EarlyWarning] = deque(maxlen=_MOST_WARNINGS)
        self._is_known = False
        self._lock = threading.Lock()
        self.learned_rows = 0
        self.shed_rows = 0
        self.unseen_rows = 0

    # -- from the challenger ----------------------------------------------------------------------------

    def begin(self, windows: Iterable[WindowSums], learned_rows: int) -> None:
        """Take over what a challenger that has just begun knows.

        All of it is to be told again: a service that was killed may not have written the last of it.
        """
        with self._lock:
            self._put(windows, adds_shed=not self._is_known)
            self._sheds |= {each.start_ms for each in self._windows.all() if each.shed_rows}
            self._is_known = True
            self.learned_rows = learned_rows

    def take(self, windows: Iterable[WindowSums], rises: Iterable[Rise], learned_rows: int) -> None:
        """Take in what a batch has changed."""
        with self._lock:
            self._put(windows, adds_shed=False)
            self.learned_rows = learned_rows
            self._warnings.extend(
                EarlyWarning(self._terms.model, *msgspec.structs.astuple(rise)) for rise in rises
            )

    def _put(self, windows: Iterable[WindowSums], *, adds_shed: bool) -> None:
        for each in windows:
            mine = self._windows.of_start(each.start_ms)
            if mine is not None:
                shed = mine.shed_rows + (each.shed_rows if adds_shed else 0)
                self._windows.put(msgspec.structs.replace(each, shed_rows=shed))
                self._untold.add(each.start_ms)

    # -- for the challenger -----------------------------------------------------------------------------

    def known(self) -> tuple[WindowSums, ...]:
        """Give what a challenger that begins again has to know; nothing before the first one has begun."""
        with self._lock:
            return self._windows.all() if self._is_known else ()

    def shed(self, rows: Iterable[WireRow]) -> None:
        """Count rows that the challenger will never see."""
        with self._lock:
            for row in rows:
                if isinstance(row, LabelledRow):
                    self._shed(row.time_ms)
                else:
                    self.unseen_rows += 1

    def _shed(self, time_ms: int) -> None:
        self.shed_rows += 1
        sums = self._windows.of_time(time_ms)
        if sums is not None:
            sums.shed_rows += 1
            self._sheds.add(sums.start_ms)
            self._untold.add(sums.start_ms)

    def sheds(self) -> dict[int, int]:
        """Give the shed rows of the windows in which they changed since the last call."""
        with self._lock:
            found = {
                each.start_ms: each.shed_rows for each in self._windows.all() if each.start_ms in self._sheds
            }
            self._sheds.clear()
            return found

    # -- for the database -------------------------------------------------------------------------------

    def untold(self) -> tuple[ChallengerResult, ...]:
        """Give the windows that changed since they were told, by start.

        Nothing before a challenger has begun here: another process may have the model's, whose results
        those of this one would replace.
        """
        with self._lock:
            if not self._is_known:
                return ()
            return tuple(self._result(each) for each in self._windows.all() if each.start_ms in self._untold)

    def warnings(self) -> tuple[EarlyWarning, ...]:
        """Give the warnings that were not told, oldest first."""
        with self._lock:
            return tuple(self._warnings)

    def told(self, results: Iterable[ChallengerResult], warnings: Iterable[EarlyWarning]) -> None:
        """Note that these are in the database, unless they have changed since."""
        with self._lock:
            given = {_counts(each) for each in results}
            self._untold -= {each.start_ms for each in self._windows.all() if _counts(each) in given}
            for warning in warnings:
                if warning in self._warnings:
                    self._warnings.remove(warning)

    def _result(self, sums: WindowSums) -> ChallengerResult:
        difference = sums.difference()
        return ChallengerResult(
            model=self._terms.model,
            start_ms=sums.start_ms,
            end_ms=sums.start_ms + self._windows.window_ms,
            base=self._terms.base,
            rule=self._terms.rule,
            rows=sums.rows,
            production_errors=float(sums.production_errors),
            challenger_errors=float(sums.challenger_errors),
            difference=difference.value,
            low=difference.low,
            high=difference.high,
            scored_rows=sums.scored_rows,
            abstention_share=sums.abstention_share,
            shed_rows=sums.shed_rows,
        )


def _counts(one: WindowSums | ChallengerResult) -> tuple[int, ...]:
    """Give the counts that only grow: equal exactly when nothing has changed."""
    return one.start_ms, one.rows, one.scored_rows, one.shed_rows
