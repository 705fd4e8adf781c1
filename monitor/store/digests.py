"""Digests: what is noted for them, and one service's turn to get its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from alerts.model import Alert, Status
from alerts.mute import Silence
from alerts.outgoing import Notification
from monitor.store import alerting, outbox
from monitor.store.result_tables import alert, digest, digest_item
from monitor.store.statements import upsert
from monitor.store.values import Noted

AT_ONCE = 500  # ids in one statement
T = TypeVar("T")


def note(connection: Connection, noted: Iterable[Noted]) -> None:
    """Keep incidents for the services' next digests."""
    rows = [{"service": one.service, "alert_id": one.alert_id, "noted_at": one.at} for one in noted]
    if rows:
        connection.execute(insert(digest_item), rows)


def take(connection: Connection, service: str) -> SqlDigestTurn | None:
    """Lock the service's row; None when another process has it."""
    row = select(digest.c.next_at).where(digest.c.service == service)
    found = connection.execute(row.with_for_update(skip_locked=True)).scalar_one_or_none()
    if found is None and connection.execute(row).first() is not None:
        return None
    return SqlDigestTurn(connection, service, found)


class SqlDigestTurn:
    """`DigestTurn` within one transaction."""

    def __init__(self, connection: Connection, service: str, due_at: datetime | None) -> None:
        self._connection = connection
        self._service = service
        self._due_at = due_at
        self._told: list[int] = []

    def due_at(self) -> datetime | None:
        return self._due_at

    def changed(self) -> tuple[Alert, ...]:
        items = select(digest_item).where(digest_item.c.service == self._service)
        found = self._connection.execute(items.order_by(digest_item.c.id)).mappings().all()
        self._told = [row["id"] for row in found]
        ids = sorted({row["alert_id"] for row in found})
        return tuple(chain.from_iterable(self._alerts(alert.c.alert_id.in_(some)) for some in _parts(ids)))

    def standing(self) -> tuple[Alert, ...]:
        return self._alerts(alert.c.status == Status.FIRING)

    def silences(self) -> tuple[Silence, ...]:
        return alerting.all_silences(self._connection)

    def end(self, notification: Notification | None, next_at: datetime) -> None:
        if notification is not None:
            outbox.write_notifications(self._connection, [notification])
        for some in _parts(self._told):
            self._connection.execute(delete(digest_item).where(digest_item.c.id.in_(some)))
        self.plan(next_at)

    def plan(self, next_at: datetime) -> None:
        upsert(self._connection, digest, [{"service": self._service, "next_at": next_at}])
        self._due_at = next_at

    def _alerts(self, where: ColumnElement[bool]) -> tuple[Alert, ...]:
        query = select(alert).where(where).order_by(alert.c.opened_at, alert.c.alert_id)
        return tuple(alerting.as_alert(row) for row in self._connection.execute(query).mappings())


def _parts(of: Sequence[T]) -> Iterator[Sequence[T]]:
    return (of[first : first + AT_ONCE] for first in range(0, len(of), AT_ONCE))
