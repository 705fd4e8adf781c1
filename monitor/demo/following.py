"""Watching the service at work, until everything has arrived everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from monitor.clock import Clock
from monitor.demo.car_loan import MODEL
from monitor.demo.receivers import Inbox
from monitor.demo.service import ServiceProcess
from monitor.demo.waiting import wait_until
from monitor.store.base import Store

_READ_LIMIT_S = 180.0  # a slow machine is no failure
_JUDGE_LIMIT_S = 180.0
_TELL_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Following:
    """What there is to watch: the database that the service writes to, and who gets its messages."""

    service: ServiceProcess
    store: Store
    inboxes: tuple[Inbox, ...]
    clock: Clock

    def until_read(self, rows: int, advance: Callable[[int], None]) -> None:
        """Wait until the cursors stand at the end of the log."""
        seen = 0

        def is_read() -> bool:
            nonlocal seen
            self.service.check_runs()
            positions = {
                (row["topic"], row["partition"]): row["next_offset"] for row in self.store.progress_rows()
            }
            now: int = sum(positions.values())
            advance(now - seen)
            seen = now
            return seen >= rows

        wait_until(is_read, lambda: f"{seen:,} of {rows:,} messages were read", _READ_LIMIT_S, self.clock)

    def until_judged(self, rows: int, advance: Callable[[int], None]) -> list[dict[str, Any]]:
        """Wait until every row is in a closed window, and give the windows."""
        windows: list[dict[str, Any]] = []
        seen = 0

        def is_judged() -> bool:
            nonlocal seen
            self.service.check_runs()
            windows[:] = self.store.view("window_history", model=MODEL, newest_first=False)
            now: int = sum(row["rows"] + row["late"] + row["rejected"] for row in windows)
            advance(now - seen)
            seen = now
            return seen >= rows

        wait_until(is_judged, lambda: f"{seen:,} of {rows:,} rows were judged", _JUDGE_LIMIT_S, self.clock)
        return windows

    def until_labelled(self) -> None:
        """Wait until every judged window is published on its labels, and the detectors have stepped on."""

        def is_labelled() -> bool:
            self.service.check_runs()
            with self.store.lock(MODEL) as lock:
                if lock is None or lock.learned_starts():
                    return False
                return lock.published_until_ms() == lock.closed_until_ms()

        wait_until(is_labelled, lambda: "not all labels have been judged", _JUDGE_LIMIT_S, self.clock)

    def until_told(self) -> list[dict[str, Any]]:
        """Wait until everybody has been told of everything that fires, and give the alerts.

        An alert that came back before anybody had heard that it was over is no news.
        """
        alerts: list[dict[str, Any]] = []

        def is_told() -> bool:
            self.service.check_runs()
            alerts[:] = self.store.view("alert_history", model=MODEL, newest_first=False)
            counts = {len(inbox.arrived) for inbox in self.inboxes}
            return _firing(alerts) <= _told(alerts) and len(counts) == 1 and counts != {0}

        wait_until(is_told, lambda: _untold(alerts, self.inboxes), _TELL_LIMIT_S, self.clock)
        return alerts


def _firing(alerts: list[dict[str, Any]]) -> set[tuple[str, ...]]:
    return {_about(row) for row in alerts if row["status"] == "firing"}


def _told(alerts: list[dict[str, Any]]) -> set[tuple[str, ...]]:
    return {_about(row) for row in alerts if row["notified"]}


def _about(row: dict[str, Any]) -> tuple[str, ...]:
    return row["shift"], row["feature"], row["check_name"]


def _untold(alerts: list[dict[str, Any]], inboxes: tuple[Inbox, ...]) -> str:
    firing, told = _firing(alerts), _firing(alerts) & _told(alerts)
    arrived = " and ".join(str(len(inbox.arrived)) for inbox in inboxes)
    return f"{len(told)} of {len(firing)} alerts were told, {arrived} messages reached Slack and mail server"
