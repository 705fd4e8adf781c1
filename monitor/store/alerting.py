"""Alerts, their groups and silences as rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, case, delete, exists, insert, or_, select, update

from alerts.evidence import evidence
from alerts.model import Alert, Severity, Status
from alerts.mute import Matcher, Silence
from alerts.outgoing import Group
from monitor.store.result_tables import OF_EVIDENCE, alert, alert_group, silence
from monitor.store.statements import Row, upsert

later = alert.alias()


def write_alerts(connection: Connection, of_model: str, alerts: Sequence[Alert]) -> None:
    """Insert alerts or replace those of the same id; when they were told stays."""
    rows = [as_row(of_model, one) for one in alerts]
    upsert(connection, alert, rows)


def as_row(of_model: str, one: Alert) -> Row:
    """Give an alert as a row; its summary is the line that messages carry."""
    return {
        "alert_id": one.alert_id,
        "fingerprint": one.fingerprint,
        "model": of_model,
        "shift": one.label("shift"),
        "feature": one.label("feature"),
        "check_name": one.label("check"),
        "segment": one.label("segment"),
        "severity": one.severity,
        "status": one.status,
        "multiple": one.multiple,
        "opened_at": one.opened_ms,
        "last_bad_at": one.last_bad_ms,
        "fired_at": one.fired_ms,
        "resolved_at": one.resolved_ms,
        "bad_windows": one.bad_windows,
        "clear_windows": one.clear_windows,
        "summary": "".join(span.text for span in evidence(one)),
        "labels": [list(pair) for pair in one.labels],
        "annotations": dict(one.annotations),
        **{name: str(one.annotations.get(name, "")) for name in OF_EVIDENCE},
    }


def as_alert(row: RowMapping) -> Alert:
    """Read an alert from its row."""
    return Alert(
        labels=tuple((name, value) for name, value in row["labels"]),
        severity=Severity(row["severity"]),
        status=Status(row["status"]),
        multiple=row["multiple"],
        opened_ms=row["opened_at"],
        last_bad_ms=row["last_bad_at"],
        fired_ms=row["fired_at"],
        resolved_ms=row["resolved_at"],
        bad_windows=row["bad_windows"],
        clear_windows=row["clear_windows"],
        annotations=row["annotations"],
    )


def current_alerts(connection: Connection, of_model: str) -> tuple[Alert, ...]:
    """Give the latest incident of each label set, and the one before a pending one, oldest first."""
    same = later.c.fingerprint == alert.c.fingerprint
    is_latest = ~exists().where(same, later.c.opened_at > alert.c.opened_at, later.c.status != Status.PENDING)
    query = select(alert).where(alert.c.model == of_model, is_latest)
    rows = connection.execute(query.order_by(alert.c.opened_at, alert.c.alert_id)).mappings()
    return tuple(as_alert(row) for row in rows)


def forget_alerts(connection: Connection, ids: Collection[str]) -> None:
    """Delete alerts that were pending and never fired."""
    if ids:
        never_fired = alert.c.fired_at.is_(None)
        connection.execute(delete(alert).where(alert.c.alert_id.in_(sorted(ids)), never_fired))


def write_groups(connection: Connection, groups: Sequence[Group]) -> None:
    """Insert groups or replace those of the same key."""
    names = [column.name for column in alert_group.columns]
    upsert(connection, alert_group, [{name: getattr(one, name) for name in names} for one in groups])


def groups_of(connection: Connection, of_model: str) -> tuple[Group, ...]:
    """Give a model's groups, ordered by key."""
    query = select(alert_group).where(alert_group.c.model == of_model).order_by(alert_group.c.key)
    return tuple(Group(**row) for row in connection.execute(query).mappings())


def models_to_flush(connection: Connection, now: datetime, latest: datetime | None) -> tuple[str, ...]:
    """Give the models with a group whose time has come, or lies after ``latest``."""
    at = alert_group.c.next_flush_at
    is_due = at <= now if latest is None else or_(at <= now, at > latest)
    query = select(alert_group.c.model).distinct().where(is_due)
    return tuple(connection.execute(query.order_by(alert_group.c.model)).scalars())


def add_silence(connection: Connection, one: Silence) -> int:
    """Store a silence and give the id it got."""
    matchers = [[each.name, each.value, each.is_regex] for each in one.matchers]
    values = {"matchers": matchers, "starts_at": one.starts_at, "ends_at": one.ends_at,
              "created_by": one.created_by, "comment": one.comment}  # fmt: skip
    new: int = connection.execute(insert(silence).values(values).returning(silence.c.id)).scalar_one()
    return new


def expire_silence(connection: Connection, silence_id: int, at: datetime) -> bool:
    """End it at this moment, or before it began; False when there is none such or it has ended."""
    begun = silence.c.starts_at <= at
    change = update(silence).where(silence.c.id == silence_id, silence.c.ends_at > at)
    change = change.values(ends_at=case((begun, at), else_=silence.c.starts_at))
    return (
        connection.execute(change.values(ends_at=case((begun, at), else_=silence.c.starts_at))).rowcount > 0
    )


def all_silences(connection: Connection) -> tuple[Silence, ...]:
    """Give every silence that is kept, expired ones too."""
    rows = connection.execute(select(silence).order_by(silence.c.id)).mappings()
    return tuple(as_silence(row) for row in rows)


def as_silence(row: RowMapping) -> Silence:
    """Read a silence from its row."""
    matchers = tuple(Matcher(name, value, is_regex) for name, value, is_regex in row["matchers"])
    return Silence(row["id"], matchers, row["starts_at"], row["ends_at"], row["created_by"], row["comment"])
