"""What a reader may do next: retrain or not, look closer, ask the database."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from alerts import words
from alerts.document import Line, Look, Span, clean, plain
from alerts.evidence_kinds import Kind, kind_of
from alerts.evidence_metrics import points
from alerts.evidence_values import mapping, real
from alerts.model import Alert
from alerts.notice import Notice

LONGEST_MODEL = 100
FAILING = frozenset({Kind.WORSE, Kind.FEARED, Kind.ERRORS_ROSE, Kind.ERRORS_LEAN, Kind.RELATION})
COLUMNS = {
    "quality_history": "window_start, feature, check_name, observed",
    "drift_history": "window_start, feature, effect, adjusted_p",
    "performance_history": "window_start, metric, is_estimate, value, low, high, reference_value, "
    "labelled_rows, verdict",
}
WITH_CONCEPT = "window_start, shift, feature, detector, effect, adjusted_p"
ONLY = {"quality_history": "fail", "drift_history": "drift"}
"""The verdict that the rows must have; of performance the windows that were fine are worth seeing too."""


def advice(firing: Iterable[Alert]) -> Line:
    """Say whether retraining is likely to help, by a model that kept learning on the same rows.

    Nothing is said, and so nothing promised, without such a comparison.
    """
    given = [_figures(alert.annotations.get("advice")) for alert in firing if kind_of(alert) in FAILING]
    known = [one for one in given if one]
    if not known:
        return ()
    said = max(known, key=lambda one: one["rows"])
    production, challenger = words.percents(said["production_error"], said["challenger_error"])
    rows, low, high = f"{int(said['rows']):,}", said["low"], said["high"]
    told = f"a model that kept learning errs on {challenger} of the same {rows} rows where production errs on"
    if high < 0:
        heading, ending = "Retraining is likely to help: ", f"{production} (difference {points(-high, -low)})"
    elif low > 0:
        heading = "Retraining alone may not help: "
        ending = f"{production}, so it is worse (difference {points(low, high)})"
    else:
        heading = "Retraining alone may not help: "
        ending = f"{production}, so it is no better (difference {points(low, high, signed=True)})"
    return (Span(heading, Look.STRONG), plain(f"{told} {ending}"))


def _figures(value: object) -> dict[str, float]:
    """Give the figures of a comparison; empty if one is missing or makes no sense."""
    found = {name: real(mapping(value).get(name)) for name in ("production_error", "challenger_error")}
    found |= {name: real(mapping(value).get(name)) for name in ("rows", "low", "high")}
    known = {name: figure for name, figure in found.items() if figure is not None}
    if len(known) < len(found) or known["rows"] < 1 or known["low"] > known["high"]:
        return {}
    return known


def next_steps(notice: Notice) -> list[Line]:
    """Give the command and the queries that show what the message is about."""
    alerts = notice.firing or notice.resolved
    since = words.day(min(a.opened_ms for a in alerts))
    model = clean(notice.model, LONGEST_MODEL)
    shifts = {alert.label("shift") for alert in alerts}
    command = f"{notice.context.command} history --model {shlex.quote(model)}{_only(shifts)} --since {since}"
    lines: list[Line] = [(Span("Look: ", Look.STRONG), Span(command, Look.CODE))]
    for view in _views(shifts):
        query = _query(view, model, since, shifts, notice.context.schema)
        lines.append((Span("SQL: ", Look.STRONG), Span(query, Look.CODE)))
    return lines


def _only(shifts: set[str]) -> str:
    """Narrow the command down to what fires, where that is one thing."""
    if shifts == {"performance"}:
        return " --kind performance"
    return " --shift concept" if shifts == {"concept"} else ""


def _views(shifts: set[str]) -> list[str]:
    """Give the views that hold the findings; broken data has its own only when nothing else fires."""
    if shifts == {"quality"}:
        return ["quality_history"]
    views = ["drift_history"] if shifts - {"quality", "performance"} else []
    return views + (["performance_history"] if "performance" in shifts else [])


def _query(view: str, model: str, since: str, shifts: set[str], schema: str) -> str:
    columns = WITH_CONCEPT if view == "drift_history" and "concept" in shifts else COLUMNS[view]
    chosen = f"WHERE model = '{model.replace(chr(39), chr(39) * 2)}' AND window_start >= '{since}'"
    if view in ONLY:
        chosen += f" AND verdict = '{ONLY[view]}'"
    table = f"{schema}.{view}" if schema else view
    return f"SELECT {columns} FROM {table} {chosen} ORDER BY window_start"  # noqa: S608
