"""When windows are closed: models whose windows may have ended, one visit under the lock after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from detectors.reference import Reference
from monitor.clock import Clock
from monitor.closing import ClosingReport, close_ended
from monitor.intake import PartitionState
from monitor.join.keeper import JoinKeeper
from monitor.performance.settle import settle
from monitor.plan import ModelPlan
from monitor.source.base import TopicPartition
from monitor.store.base import ModelLock, Store
from monitor.windows import NEVER_MS

_WINDOWS_A_LOCK = 16
"""Windows judged in one transaction, at most: a long backlog is written in steps."""
_QUICK_S, _LONG_S = 1.0, 5.0
"""A transaction that takes less may hold more windows, one that takes more has to hold fewer."""

Find = Callable[[str], Reference | None]


def passed(
    partitions: Mapping[TopicPartition, PartitionState], plans: Mapping[str, ModelPlan]
) -> dict[str, int]:
    """Give, per model, the latest window whose end event time has passed in all partitions read here."""
    reached: dict[str, int] = {}
    for tp, part in partitions.items():
        for model, event_ms in part.event_ms.items():
            if model in plans and tp.topic in plans[model].topics:
                reached[model] = min(event_ms, reached.get(model, event_ms))  # labels' time closes none
    return {
        model: (event_ms - plans[model].lateness_ms) // plans[model].window_ms
        for model, event_ms in reached.items()
    }


class Closer:
    """Remembers how far it has looked, and how many windows one transaction bears."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._looked: dict[str, int] = {}
        self._at_once = _WINDOWS_A_LOCK // 4

    def may_close(self, reached: Mapping[str, int]) -> bool:
        """Tell whether some model has `passed` a window's end since it was looked at."""
        return any(window > self._looked.get(model, NEVER_MS) for model, window in reached.items())

    def close(
        self,
        store: Store,
        plans: Mapping[str, ModelPlan],
        reached: Mapping[str, int],
        find: Find,
        join: JoinKeeper | None,
        *,
        everything: bool,
        is_stopping: Callable[[], bool],
    ) -> tuple[ClosingReport, ...]:
        """Judge what has ended and what labels have settled; who holds a model's lock sees to it."""
        reports: list[ClosingReport] = []
        for plan in plans.values():
            while not is_stopping():
                with store.lock(plan.name) as lock:
                    if lock is None:
                        break
                    self._looked[plan.name] = reached.get(plan.name, NEVER_MS)
                    report, is_done = self._visit(lock, plan, find, join, everything=everything)
                reports.append(report)
                if is_done:
                    break
        return tuple(reports)

    def _visit(
        self, lock: ModelLock, plan: ModelPlan, find: Find, join: JoinKeeper | None, *, everything: bool
    ) -> tuple[ClosingReport, bool]:
        """Judge so many windows as one transaction bears; tell whether nothing is left to judge."""
        begun_s, at_once = self._clock.monotonic(), self._at_once
        report = close_ended(lock, plan, find, self._clock.now(), at_once, everything=everything)
        settled = settle(lock, plan, find, self._clock.now(), at_once, everything=everything)
        if join is not None:
            join.write_warnings(lock, plan, self._clock.now())
        report.add(settled)
        report.seconds = self._clock.monotonic() - begun_s
        self._pace(report.seconds)
        return report, max(report.windows, settled.published, settled.stepped) < at_once

    def _pace(self, seconds: float) -> None:
        """Keep transactions short, however slow the database is."""
        if seconds < _QUICK_S:
            self._at_once = min(_WINDOWS_A_LOCK, 2 * self._at_once)
        elif seconds > _LONG_S:
            self._at_once = max(1, self._at_once // 2)
