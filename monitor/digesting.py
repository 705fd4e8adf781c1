"""Digests whose time has come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from alerts.digest import digest, news
from alerts.routes import Route
from alerts.timetable import Timetable
from monitor.store.base import DigestTurn, Store


class Digests:
    """Remembers when to ask, so that the database is asked about a digest only when it may be due."""

    def __init__(self) -> None:
        self._ask_at: dict[str, datetime] = {}

    def run(
        self,
        store: Store,
        digests: Mapping[str, Timetable],
        routes: tuple[Route, ...],
        services: tuple[str, ...],
        now: datetime,
    ) -> None:
        """Send what is due, at most one digest for each service."""
        for service, timetable in digests.items():
            ask_at, next_at = self._ask_at.get(service), timetable.after(now)
            if ask_at is not None and now < ask_at <= next_at:  # later: the clock was set back
                continue
            with store.digest(service) as turn:
                if turn is None:  # another process is at it
                    continue
                if _is_due(turn, now, next_at):
                    changed, standing, silences = turn.changed(), turn.standing(), turn.silences()
                    told = news(service, changed, standing, silences, routes, services, now)
                    turn.end(digest(service, told, now), next_at)
                self._ask_at[service] = turn.due_at() or next_at


def _is_due(turn: DigestTurn, now: datetime, next_at: datetime) -> bool:
    """Tell whether it is due; plan it when it is the first, or when timetable or clock were changed."""
    due_at = turn.due_at()
    if due_at is None or due_at > next_at:
        turn.plan(next_at)
        return False
    return due_at <= now
