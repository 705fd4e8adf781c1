"""Rows of history as alerts see them, so that tables say what messages say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alerts import words
from alerts.evidence import evidence
from alerts.model import Alert, Labels, Severity, Status, labels

SMALLEST_P = 1e-6
Row = Mapping[str, Any]


def alert_of(row: Row) -> Alert:
    """Read an alert back from its row in ``alert_history``; labels that the view leaves out are empty."""
    check = {"check": row["check_name"]} if row["check_name"] else {}
    return Alert(
        labels=labels(
            model=row["model"], shift=row["shift"], feature=row["feature"], segment=row["segment"], **check
        ),
        severity=Severity(row["severity"]),
        status=Status(row["status"]),
        multiple=1,
        opened_ms=_ms(row["opened_at"]),
        last_bad_ms=_ms(row["last_bad_at"]),
        fired_ms=None if row["fired_at"] is None else _ms(row["fired_at"]),
        resolved_ms=None if row["resolved_at"] is None else _ms(row["resolved_at"]),
        bad_windows=row["bad_windows"],
        clear_windows=0,
        annotations=row["annotations"],
    )


def subject(row: Row) -> str:
    """Name what a row is about: the feature, or the check of the log as a whole."""
    return str(row["feature"] or row["check_name"])


def drift_words(row: Row) -> str:
    """Say what a row of ``drift_history`` found: how many rows moved, and how rare that is by chance."""
    if row["effect"] is None:
        return _figure(row)
    said = _said(row, {"details": row["details"], "effect": row["effect"], "effect_low": row["effect_low"]})
    p = row["adjusted_p"]
    return f"{said}; {p_words(p)}" if p is not None else said


def quality_words(row: Row) -> str:
    """Say what a row of ``quality_history`` found."""
    said = ("expected", "observed", "failed_rows", "total_rows", "note")
    details = {"kind": "quality", "check": row["check_name"]} | {name: row[name] for name in said}
    return _said(row, {"details": details})


def p_words(p: float) -> str:
    """Give a p-value to two digits: nothing is called less likely than one in a million."""
    return f"p < {words.number(SMALLEST_P)}" if p < SMALLEST_P else f"p {words.number(p, 2)}"


def _figure(row: Row) -> str:
    """Say what a distance found, or why a test found nothing."""
    if row["statistic"] is None or row["verdict"] in {"inconclusive", "error"}:
        return str(row["note"] or row["verdict"])
    said = f"{row['detector']} {words.number(row['statistic'])}"
    limit = row["threshold"]
    return said if limit is None else f"{said}, threshold {words.number(limit)}"


def _said(row: Row, annotations: dict[str, Any]) -> str:
    """Put evidence into the words that messages use."""
    label: Labels = labels(feature=row["feature"])
    alert = Alert(label, Severity.INFO, Status.FIRING, 1, 0, 0, None, None, 0, 0, annotations)
    return "".join(span.text for span in evidence(alert))


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
