"""Alerts, open and over, with what they saw, and who asked for silence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from alerts.lifecycle import LOUDNESS
from alerts.model import Severity
from alerts.mute import Matcher, Silence, silenced
from detectors.result import Shift
from monitor.page.asked import Asked, NotHereError, link, moment
from monitor.page.desk import Desk
from monitor.page.table import Cell, Column, Table
from monitor.page.view import View
from monitor.store.page.rows import Row

MOST_PAST = 200
_IN_ROWS = frozenset({Shift.COVARIATE.value, Shift.PRIOR.value, "quality"})
OPEN = (
    Column("subject", "about"),
    Column("model", "model"),
    Column("shift", "shift"),
    Column("severity", "severity"),
    Column("status", "status"),
    Column("opened_at", "since", "time"),
    Column("last_bad_at", "last seen", "time"),
    Column("bad_windows", "bad windows", "number"),
    Column("notified_at", "told", "time"),
    Column("summary", "what"),
)
PAST = (
    Column("subject", "about"),
    Column("model", "model"),
    Column("shift", "shift"),
    Column("severity", "severity"),
    Column("opened_at", "from", "time"),
    Column("resolved_at", "until", "time"),
    Column("bad_windows", "bad windows", "number"),
    Column("summary", "what"),
)
SILENCES = (
    Column("id", "id"),
    Column("matchers", "what"),
    Column("status", "status"),
    Column("starts_at", "from", "time"),
    Column("ends_at", "until", "time"),
    Column("created_by", "by"),
    Column("comment", "why"),
)


def alerts(desk: Desk, asked: Asked) -> View:
    """Show the alerts of one model or of all, the loudest first."""
    if asked.model and asked.model not in desk.config.models:
        raise NotHereError(f"there is no model “{asked.model}” in the configuration")
    of = asked.model or None
    silences = desk.look.silences()
    open_ = desk.look.open_alerts(of)
    open_.sort(key=lambda row: (-LOUDNESS[Severity(row["severity"])], -row["opened_at"], row["alert_id"]))
    lines = [_line(row, silenced(row["alert"], silences, desk.now)) for row in open_]
    past = desk.look.past_alerts(of, MOST_PAST)
    tables = {
        "open": Table(
            "open",
            "Open alerts",
            OPEN,
            [_cells(row, OPEN, line["status"]) for row, line in zip(open_, lines, strict=True)],
        ),
        "past": Table(
            "past", "Past alerts", PAST, [_cells(row, PAST, row["status"]) for row in past], "none yet"
        ),
        "silences": Table("silences", "Silences", SILENCES, _silences(silences, desk.now), "none"),
    }
    title = f"alerts of {asked.model}" if asked.model else "Alerts"
    return View(title, "alerts.html", {"lines": lines, "most": MOST_PAST}, tables, asked.model)


def _line(row: Row, silence: Silence | None) -> dict[str, Any]:
    return {
        "row": row,
        "subject": _subject(row),
        "href": _href(row),
        "model_href": link("model", m=row["model"]),
        "status": row["status"] if silence is None else "silenced",
        "silence": silence,
    }


def _subject(row: Row) -> str:
    """Name what an alert is about, as messages do."""
    of = row["feature"] or row["check_name"].replace("_", " ") or "whole model"
    return f"{of} in {row['segment']}" if row["segment"] else str(of)


def _href(row: Row) -> str:
    """Lead to where it can be seen, at its time."""
    page = "feature" if row["feature"] and row["shift"] in _IN_ROWS else "model"
    page = "performance" if row["shift"] in {"performance", "concept"} else page
    until = moment(row["last_bad_at"]) if row["resolved_at"] is not None else None
    return link(page, m=row["model"], f=row["feature"] if page == "feature" else None, until=until)


def _cells(row: Row, columns: Iterable[Column], status: str) -> list[Any]:
    told = {**row, "subject": Cell(_subject(row), _href(row)), "status": status}
    return [told[column.name] for column in columns]


def _silences(silences: Sequence[Silence], now: datetime) -> list[list[Any]]:
    """Give those that hold or will, then those that are over, latest first."""
    order = sorted(silences, key=lambda one: (one.ends_at <= now, -one.ends_at.timestamp()))
    return [
        [
            one.id,
            ", ".join(_matcher(each) for each in one.matchers),
            _state(one, now),
            one.starts_at,
            one.ends_at,
            one.created_by,
            one.comment,
        ]
        for one in order
    ]


def _matcher(one: Matcher) -> str:
    return f"{one.name}{'=~' if one.is_regex else '='}{one.value}"


def _state(one: Silence, now: datetime) -> str:
    if one.is_active(now):
        return "active"
    return "to come" if now < one.starts_at < one.ends_at else "over"
