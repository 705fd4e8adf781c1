"""Forgetting history after its time, in steps short enough to disturb nobody.

Plain deletes rather than partitions: a model makes a few thousand rows a day, so a day's worth goes in
milliseconds, and neither a scheduler nor the right to make tables is needed. Every column of time that is
searched here has an index, or its table is small.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, and_, delete, func, or_, select

from alerts.model import Status
from monitor.store.outbox import table as outbox
from monitor.store.result_tables import (
    alert,
    closed_window,
    drift_result,
    notification,
    performance_result,
    quality_result,
    silence,
    window_counts,
)
from monitor.store.tables import gap, late_count, reject
from monitor.store.types import EventTime, to_ms

RESULTS: tuple[tuple[Column[Any], ColumnElement[bool] | None], ...] = (
    (drift_result.c.window_start, None),
    (quality_result.c.window_start, None),
    (performance_result.c.window_start, None),
    (window_counts.c.window_start, None),
    (closed_window.c.window_start, None),
    (late_count.c.window_start, None),
    (reject.c.at, None),
    (gap.c.at, None),
    (silence.c.ends_at, None),
    (alert.c.resolved_at, alert.c.status == Status.RESOLVED),
    (notification.c.created_at, None),  # which of them: see `expendable`
)


def delete_older(
    connection: Connection, results_before: datetime | None, counts_before: datetime | None, limit: int
) -> int:
    """Delete about ``limit`` expired rows (the rest of a moment goes with it); 0 when all is done."""
    done = 0
    if counts_before is not None:
        done += delete_some(connection, window_counts.c.window_start, None, counts_before, limit)
    if results_before is not None:
        for time, condition in RESULTS:
            if done < limit:
                done += delete_some(
                    connection, time, expendable(time, condition), results_before, limit - done
                )
    return done


def expendable(time: Column[Any], condition: ColumnElement[bool] | None) -> ColumnElement[bool] | None:
    """Keep what is not sent yet, and what each service was last told."""
    if time.table is not notification:
        return condition
    newest = (
        select(func.max(outbox.id)).where(outbox.state == "sent").group_by(outbox.group_key, outbox.service)
    )
    return and_(outbox.state != "queued", or_(outbox.state != "sent", outbox.id.not_in(newest)))


def delete_some(
    connection: Connection,
    time: Column[Any],
    condition: ColumnElement[bool] | None,
    before: datetime,
    limit: int,
) -> int:
    """Delete the oldest rows; those of one moment, and so of one window, go together."""
    moment: Any = to_ms(before) if isinstance(time.type, EventTime) else before
    where = [time < moment] if condition is None else [time < moment, condition]
    oldest = select(time).where(*where).order_by(time).limit(limit).subquery()
    last = connection.execute(select(func.max(oldest.c[0]))).scalar()
    if last is None:
        return 0
    return connection.execute(delete(time.table).where(*where, time <= last)).rowcount
