"""What a run comes to: the rows that users see, and whether everything that had to be told was told."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tests.crash.world import World

VIEWS = (
    "window_history",
    "drift_history",
    "quality_history",
    "alert_history",
    "rejects",
    "gaps",
    "performance_history",
    "label_history",
)
UNSTABLE = frozenset({"evaluated_at", "closed_at", "notified", "notified_at", "at", "revision"})
"""Columns that say when something was done, or how often it was published."""

Rows = Mapping[str, tuple[str, ...]]


def rows_of(world: World) -> Rows:
    """Give every view's rows in a fixed order, without what depends on when they were written."""
    return {view: tuple(sorted(_rows(world, view))) for view in VIEWS}


def _rows(world: World, view: str) -> Iterator[str]:
    for row in world.disk.dicts(f"SELECT * FROM {view}"):  # noqa: S608  # a name of our own
        yield json.dumps({name: value for name, value in row.items() if name not in UNSTABLE}, default=repr)


def difference(expected: Rows, found: Rows) -> str:
    """Name the first rows that are in one and not in the other; empty when there are none."""
    told = []
    for view in VIEWS:
        missing = Counter(expected[view]) - Counter(found[view])
        extra = Counter(found[view]) - Counter(expected[view])
        told += [f"{view}: missing {row}" for row in sorted(missing.elements())[:3]]
        told += [f"{view}: too much {row}" for row in sorted(extra.elements())[:3]]
    return "\n".join(told)


def untold(world: World) -> str:
    """Name what people should have heard and did not; empty when there is nothing."""
    rows = world.disk.dicts("SELECT * FROM notification ORDER BY id")
    got = Counter((service, message.text) for service, message in world.got)
    marked = Counter((row["service"], row["text"]) for row in rows if row["state"] == "sent")
    lost = marked - got
    told = [f"marked as sent, never sent: {text!r} to {service}" for service, text in lost]
    to_tell = _without_folded(_alerts(world, "firing"))
    firing = {row["alert_id"] for row in to_tell}
    latest = {row["service"]: row for row in rows if row["state"] == "sent"}
    for service, row in latest.items():
        if (known := set(json.loads(row["firing"]))) != firing:
            told.append(f"{service} believes that {sorted(known)} fire, {sorted(firing)} do")
    if firing and not latest:
        told.append(f"nobody heard that {sorted(firing)} fire")
    told += [f"alert {row['alert_id']} fires unnoticed" for row in to_tell if not row["notified_at"]]
    return "\n".join(told)


def _without_folded(alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out segments of what fires as a whole: they are told with it."""
    whole = {(row["shift"], row["feature"]) for row in alerts if not row["segment"]}
    return [row for row in alerts if not row["segment"] or (row["shift"], row["feature"]) not in whole]


def _alerts(world: World, status: str) -> list[dict[str, Any]]:
    return [row for row in world.disk.dicts("SELECT * FROM alert") if row["status"] == status]
