"""Which alerts share a message, and when a group may next be told about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.model import Alert
from alerts.outgoing import Group


def group_key(alert: Alert) -> str:
    """Name the group that the alert belongs to: all alerts of a model share one message."""
    return f"model={alert.label('model')}"


def group_of(alert: Alert) -> Group:
    """Give the alert's group as it is before anything was scheduled."""
    return Group(group_key(alert), alert.label("model"), None, None)


def schedule(
    group: Group,
    changed: bool,
    has_told: bool,
    now: datetime,
    group_wait: timedelta,
    group_interval: timedelta,
) -> Group:
    """Plan the group's next flush after a round that changed its alerts, or did not.

    The first message (nobody has been told anything that still stands) waits
    ``group_wait`` for company; later ones wait until ``group_interval`` has
    passed since the last flush. A flush that is planned already never moves
    back.
    """
    if not changed:
        return group
    wait = timedelta(0) if has_told and group.last_flush_at is not None else group_wait
    due = now + wait
    if group.last_flush_at is not None:
        due = max(due, group.last_flush_at + group_interval)
    return replace(group, next_flush_at=min(due, group.next_flush_at or due))


def after_flush(
    group: Group,
    firing: bool,
    now: datetime,
    group_interval: timedelta,
    repeat_interval: timedelta,
) -> Group:
    """Note a flush and plan the next one while there is something left to say.

    While alerts fire the group is looked at every ``group_interval``: a silence
    may have ended, a message may not have arrived. `decide` keeps that quiet.
    """
    pause = min(group_interval, repeat_interval)
    return replace(group, last_flush_at=now, next_flush_at=now + pause if firing else None)


def plan(groups: Iterable[Group], now: datetime, latest: datetime | None = None) -> tuple[Group, ...]:
    """Give the groups whose time has come, longest waiting first.

    None is planned for after ``latest`` unless the clock was set back since: that is for now, too.
    """
    due = [(group.next_flush_at, group.key, group) for group in groups if group.next_flush_at is not None]
    return tuple(
        group
        for at, _, group in sorted(due, key=lambda row: row[:2])
        if at <= now or (latest is not None and at > latest)
    )
