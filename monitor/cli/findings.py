"""Rows of history as alerts see them, so that tables say what messages say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alerts import words
from alerts.evidence import PAIRS, evidence
from alerts.evidence_metrics import figures, span
from alerts.evidence_model import DETECTORS
from alerts.evidence_values import instant_ms, mapping
from alerts.model import Alert, Labels, Severity, Status, labels
from detectors.result import Shift, Verdict

SMALLEST_P = 1e-6
ABSTENTION = "abstention"
CORRELATION = "correlation"
_OF_PERFORMANCE = (
    "metric", "value", "low", "high", "reference_value", "band_low", "band_high", "is_estimate",
    "labelled_rows", "label_ratio", "direction",
)  # fmt: skip
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))
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
    return str(row["feature"] or row.get("check_name") or PAIRS)


def drift_words(row: Row) -> str:
    """Say what a row of ``drift_history`` found: how many rows moved, and how rare that is by chance."""
    is_stepped = row["shift"] == Shift.CONCEPT or row["detector"] in DETECTORS
    if row["verdict"] == Verdict.ERROR or (row["effect"] is None and not is_stepped):
        return _figure(row)
    if is_stepped and not row["details"]:
        return _still(row)
    if row["detector"] == CORRELATION and not row["details"]:
        p = row["adjusted_p"]
        return f"of all pairs the least likely correlation is off by {words.number(row['effect'])}" + (
            f"; {p_words(p)}" if p else ""
        )
    if row["detector"] == ABSTENTION:
        return _unsure(row)
    said = _said(row, {"details": row["details"], "effect": row["effect"], "effect_low": row["effect_low"]})
    p = row["adjusted_p"]
    return f"{said}; {p_words(p)}" if p is not None else said


def _still(row: Row) -> str:
    """Say what a detector that steps through rows saw where nothing changed, or not enough."""
    if row["statistic"] is None or row["verdict"] == Verdict.INCONCLUSIVE:
        return str(row["note"] or row["verdict"])
    mean = f"mean {words.number(row['statistic'])}"
    name = DETECTORS.get(row["detector"], row["detector"])
    if not row["effect"]:
        return f"{mean}, no change ({name})"
    return f"{mean}, a change of {words.percent(row['effect'])}, too small to alarm ({name})"


def _unsure(row: Row) -> str:
    """Say since when members of the challenger abstain more often."""
    at_ms = instant_ms(mapping(row["details"]).get("changed_at_ms"))
    return str(row["note"]) + (f" since {words.moment(at_ms)}" if at_ms is not None else "")


def quality_words(row: Row) -> str:
    """Say what a row of ``quality_history`` found."""
    said = ("expected", "observed", "failed_rows", "total_rows", "note")
    details = {"kind": "quality", "check": row["check_name"]} | {name: row[name] for name in said}
    return _said(row, {"details": details})


def performance_words(row: Row) -> str:
    """Say what a row of ``performance_history`` found."""
    if row["value"] is None:
        return str(row["note"] or row["verdict"])
    if row["reference_value"] is None:
        return _figure_of_labels(row)
    details = {"kind": "performance"} | {name: row[name] for name in _OF_PERFORMANCE}
    said = _said({**row, "feature": row["metric"], "shift": "performance"}, {"details": details})
    p = row["adjusted_p"]
    return f"{said}; {p_words(p)}" if p is not None else said


def performance_figures(row: Row) -> list[object]:
    """Give a metric's value, interval, reference value, labels and verdict, each in few letters."""
    value, metric = row["value"], row["metric"]
    labels_said = "estimate" if row["is_estimate"] else f"{row['labelled_rows']:,}"
    if value is None or row["reference_value"] is None:
        told = "" if value is None else _figure_of_labels(row)
        return [told, "", "", labels_said, row["verdict"]]
    before, now = figures(metric, row["reference_value"], value)
    is_bounded = row["low"] is not None and row["high"] is not None
    within = span(metric, row["low"], row["high"]) if is_bounded else ""
    return [now, within, before, labels_said, row["verdict"]]


def _figure_of_labels(row: Row) -> str:
    """Say a figure about the labels themselves, which no reference has."""
    metric, value = str(row["metric"]), float(row["value"])
    if metric == "label_count":
        return f"{value:,.0f}"
    if metric == "label_ratio":
        return words.percent(value)
    if not metric.startswith("label_delay_"):
        return words.number(value)
    size, unit = next(((size, unit) for size, unit in _UNITS if value >= size), (1, "s"))
    return f"{words.number(value / size, 2)} {unit}"


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
    label: Labels = labels(feature=row["feature"], shift=str(row.get("shift", "quality")))
    alert = Alert(label, Severity.INFO, Status.FIRING, 1, 0, 0, None, None, 0, 0, annotations)
    return "".join(span.text for span in evidence(alert))


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
