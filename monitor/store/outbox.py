"""Notifications from the moment they are decided until a service has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    RowMapping,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from alerts.backoff import LONGEST_S
from alerts.outgoing import Message, Notification, Reason, Sent
from monitor.clock import CLOCKS_DIFFER
from monitor.store.base import Outbound
from monitor.store.result_tables import alert, notification
from monitor.store.statements import Row

table = notification.c
other = notification.alias()
PARTS = ("title", "slack_markdown", "html", "text", "payload")


def write_notifications(connection: Connection, notifications: Sequence[Notification]) -> None:
    """Queue them, each in the place of the unsent one of its group and service.

    One that is just being sent is superseded too: should the attempt fail, it is not repeated.
    """
    for one in notifications:
        same = and_(table.group_key == one.group_key, table.service == one.service)
        old = update(notification).where(same, table.state == "queued")
        connection.execute(old.values(state="superseded"))
    if notifications:
        connection.execute(insert(notification), [as_row(one) for one in notifications])


def as_row(one: Notification) -> Row:
    """Give a notification as a new row of the outbox."""
    parts = {name: getattr(one.message, name) for name in PARTS}
    return parts | {
        "group_key": one.group_key,
        "model": one.model,
        "service": one.service,
        "reason": one.reason,
        "firing": sorted(one.firing),
        "resolved": sorted(one.resolved),
        "state": "queued",
        "attempts": 0,
        "created_at": one.created_at,
        "next_attempt_at": one.created_at,
    }


def claim(
    connection: Connection, services: Iterable[str], now: datetime, lease_s: float, limit: int
) -> tuple[Outbound, ...]:
    """Lease due rows; none of a group and service of which an older one is still under way.

    What lies further ahead than the longest pause or lease is of a clock that was set back since.
    """
    lease = timedelta(seconds=lease_s)
    last_lease, last_retry = now + lease + CLOCKS_DIFFER, now + timedelta(seconds=LONGEST_S) + CLOCKS_DIFFER
    under_way = exists().where(
        other.c.group_key == table.group_key,
        other.c.service == table.service,
        other.c.id < table.id,
        other.c.claimed_until > now,
        other.c.claimed_until <= last_lease,
    )
    free = or_(table.claimed_until.is_(None), table.claimed_until <= now, table.claimed_until > last_lease)
    query = select(table.id).where(
        table.state == "queued",
        table.service.in_(list(services)),
        or_(table.next_attempt_at <= now, table.next_attempt_at > last_retry),
        free,
        ~under_way,
    )
    query = query.order_by(table.id).limit(limit).with_for_update(skip_locked=True, of=notification)
    ids = connection.execute(query).scalars().all()
    change = {"claimed_until": now + lease, "attempts": table.attempts + 1}
    taken = update(notification).where(table.id.in_(ids)).values(change).returning(*notification.columns)
    rows = connection.execute(taken).mappings().all() if ids else ()
    return tuple(as_outbound(row) for row in sorted(rows, key=lambda row: row["id"]))


def as_outbound(row: RowMapping) -> Outbound:
    """Read a claimed row."""
    message = Message(**{name: row[name] for name in PARTS})
    return Outbound(row["id"], row["service"], row["group_key"], message, row["attempts"], row["created_at"])


def mark_sent(connection: Connection, outbound_id: int, at: datetime) -> None:
    """Note that the service has it, and that its alerts were told."""
    change = update(notification).where(table.id == outbound_id)
    change = change.values(state="sent", sent_at=at, claimed_until=None, last_error=None)
    told = connection.execute(change.returning(*notification.columns)).one_or_none()
    if told is None:
        return
    first = alert.c.alert_id.in_([*told.firing, *told.resolved]) & alert.c.notified_at.is_(None)
    connection.execute(update(alert).where(first).values(notified_at=at))
    if told.reason == Reason.RESEND:
        forget_resends(connection, told.group_key, told.service, told.id)


def forget_resends(connection: Connection, group_key: str, service: str, before: int) -> None:
    """Delete what said the same earlier: there is one every few minutes while an alert fires."""
    same = and_(table.group_key == group_key, table.service == service, table.reason == Reason.RESEND)
    over = and_(table.state != "queued", table.id < before)
    connection.execute(delete(notification).where(same, over))


def mark_failed(connection: Connection, outbound_id: int, error: str, retry_at: datetime | None) -> None:
    """Note the error and when to try again; without a time the row is given up."""
    queued = table.state == "queued"
    values: Row = {"last_error": error, "claimed_until": None}
    if retry_at is None:
        values["state"] = case((queued, "failed"), else_=table.state)
    else:
        values["next_attempt_at"] = retry_at
    connection.execute(update(notification).where(table.id == outbound_id).values(values))


def latest_sent(connection: Connection, *where: Any) -> Sequence[RowMapping]:
    """Per group and service, the latest notification that was sent, tests left out."""
    newest = select(func.max(table.id)).where(table.state == "sent", table.reason != Reason.TEST, *where)
    newest = newest.group_by(table.group_key, table.service)
    return connection.execute(select(notification).where(table.id.in_(newest))).mappings().all()


def sent(connection: Connection, group_key: str) -> dict[str, Sent]:
    """Per service, what it was last told about the group."""
    rows = latest_sent(connection, table.group_key == group_key)
    return {
        row["service"]: Sent(frozenset(row["firing"]), frozenset(row["resolved"]), row["sent_at"])
        for row in rows
    }
