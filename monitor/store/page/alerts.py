"""Alerts, open and over."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, select

from monitor.store.alerting import as_alert
from monitor.store.page.rows import Row
from monitor.store.result_tables import alert

MOST_ALERTS = 500


def open_alerts(connection: Connection, model: str | None) -> list[Row]:
    """Give what is open, of one model or of all, latest first."""
    query = _of(model).where(alert.c.status != "resolved")
    return _read(connection, query.order_by(alert.c.opened_at.desc(), alert.c.alert_id).limit(MOST_ALERTS))


def past_alerts(connection: Connection, model: str | None, limit: int) -> list[Row]:
    """Give what is over, latest first."""
    query = _of(model).where(alert.c.status == "resolved")
    return _read(connection, query.order_by(alert.c.opened_at.desc(), alert.c.alert_id).limit(limit))


def during(connection: Connection, model: str, start_ms: int, end_ms: int) -> list[Row]:
    """Give the alerts of a model that were open at some time of the stretch, oldest first."""
    query = _of(model).where(alert.c.opened_at < end_ms, alert.c.last_bad_at >= start_ms)
    return _read(connection, query.order_by(alert.c.opened_at).limit(MOST_ALERTS))


def _of(model: str | None) -> Select[Any]:
    return select(alert) if model is None else select(alert).where(alert.c.model == model)


def _read(connection: Connection, query: Select[Any]) -> list[Row]:
    """Give rows, each with what silences look at as ``alert``."""
    return [dict(row) | {"alert": as_alert(row)} for row in connection.execute(query).mappings()]
