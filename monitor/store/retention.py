"""Forgetting history after its time, in steps short enough to disturb nobody.

Plain deletes rather than partitions: a model makes a few thousand rows a day, so a day's worth goes in
milliseconds, and neither a scheduler nor the right to make tables is needed. Every column of time that is
searched here has an index, or its table is small. What is not history (open windows, losses that sequential
detectors have not learned, their checkpoints) never goes here.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Delete,
    Exists,
    Integer,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    true,
)

from alerts.model import Status
from alerts.outgoing import Reason
from monitor.store.experiment_tables import experiment_result, experiment_sum
from monitor.store.label_tables import challenger_result, joined_window
from monitor.store.outbox import table as outbox
from monitor.store.result_tables import (
    alert,
    closed_window,
    day_counts,
    digest_item,
    drift_result,
    notification,
    performance_result,
    performance_revision,
    quality_result,
    silence,
    window_counts,
)
from monitor.store.tables import gap, late_count, open_window, reject
from monitor.store.types import EventTime, Instant, to_ms

BEFORE = bindparam("before", type_=Instant())

RESULTS: tuple[Column[Any], ...] = (
    drift_result.c.window_start,
    quality_result.c.window_start,
    performance_revision.c.window_start,
    performance_result.c.window_start,
    challenger_result.c.window_start,
    experiment_result.c.window_start,
    experiment_sum.c.window_start,
    joined_window.c.window_end,
    window_counts.c.window_start,
    day_counts.c.window_start,
    closed_window.c.window_start,
    late_count.c.window_start,
    reject.c.at,
    gap.c.at,
    silence.c.ends_at,
    digest_item.c.noted_at,
    alert.c.resolved_at,
    notification.c.created_at,
)


def delete_older(
    connection: Connection, results_before: datetime | None, counts_before: datetime | None, limit: int
) -> int:
    """Delete about ``limit`` expired rows (the rest of a moment goes with it); 0 when all is done."""
    done = 0
    if counts_before is not None:
        for counts in (window_counts, day_counts):
            if done < limit:
                done += delete_some(connection, counts.c.window_start, counts_before, limit - done)
    if results_before is not None:
        for time in RESULTS:
            if done < limit:
                done += delete_some(connection, time, results_before, limit - done)
    return done


def _expendable(time: Column[Any]) -> ColumnElement[bool]:
    """What else has to hold: it is no longer needed, and was not written lately.

    A backlog or a replay writes old event times now: such history lives as long as any other.
    """
    table = time.table
    if "evaluated_at" in table.c:
        return table.c.evaluated_at < BEFORE
    if table is closed_window:
        return or_(closed_window.c.closed_at.is_(None), closed_window.c.closed_at < BEFORE)
    special = {
        window_counts: ~_window_judged_since(window_counts),
        day_counts: ~_window_judged_since(day_counts),
        challenger_result: ~_window_judged_since(challenger_result),
        joined_window: and_(
            ~_window_judged_since(joined_window),
            ~_is_open(joined_window.c.model, joined_window.c.window_start),
        ),
        experiment_sum: ~_goes_on(),
        late_count: ~_is_open(late_count.c.model, time),
        alert: and_(
            alert.c.status == Status.RESOLVED,
            ~_judged_since(alert.c.model, closed_window.c.window_end == time),
        ),
        notification: _told_over(),
    }
    return special.get(table, true())


def _goes_on() -> Exists:
    """Keep all sums of an experiment that still runs: it is judged by all of them."""
    table, of = experiment_result, experiment_sum
    same = and_(table.c.model == of.c.model, table.c.experiment == of.c.experiment)
    return exists().where(same, table.c.evaluated_at >= BEFORE)


def _is_open(model: Column[Any], start: Column[Any]) -> Exists:
    return exists().where(open_window.c.model == model, open_window.c.window_start == start)


def _judged_since(model: Column[Any], same: ColumnElement[bool]) -> Exists:
    return exists().where(closed_window.c.model == model, same, closed_window.c.closed_at >= BEFORE)


def _window_judged_since(table: Table) -> Exists:
    same = closed_window.c.window_start == table.c.window_start
    return _judged_since(table.c.model, same)


def _told_over() -> ColumnElement[bool]:
    """Keep what is not sent yet, and what each service was last told."""
    newest = (
        select(func.max(outbox.id))
        .where(outbox.state == "sent", outbox.reason != Reason.DIGEST)
        .group_by(outbox.group_key, outbox.service)
    )
    return and_(outbox.state != "queued", or_(outbox.state != "sent", outbox.id.not_in(newest)))


@cache
def _statements(time: Column[Any]) -> tuple[Select[Any], Delete]:
    """Build, once, what finds the last moment to be deleted and what deletes up to there."""
    where = (time < bindparam("moment", type_=time.type), _expendable(time))
    oldest = select(time).where(*where).order_by(time).limit(bindparam("most", type_=Integer)).subquery()
    upto = time <= bindparam("last", type_=time.type)
    return select(func.max(oldest.c[0])), delete(time.table).where(*where, upto)


def delete_some(
    connection: Connection,
    time: Column[Any],
    before: datetime,
    limit: int,
) -> int:
    """Delete the oldest rows; those of one moment, and so of one window, go together."""
    moment: Any = to_ms(before) if isinstance(time.type, EventTime) else before
    given = {"moment": moment, "before": before}
    find, remove = _statements(time)
    last = connection.execute(find, {**given, "most": limit}).scalar()
    if last is None:
        return 0
    return connection.execute(remove, {**given, "last": last}).rowcount
