"""Writing what a window's judgement found, and reading judged windows again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from monitor.findings import ExperimentResult, Finding, PerformanceFinding, QualityFinding
from monitor.store.base import ClosedWindow, ExperimentSum
from monitor.store.result_tables import closed_window, drift_result, quality_result, window_counts
from monitor.store.statements import Row, upsert

OF_RESULT = (
    "statistic", "p_value", "effect", "effect_low", "effect_high", "n_reference", "n_current", "bound", "note"
)  # fmt: skip
OF_FINDING = (
    "model", "model_version", "segment", "multiple", "shift", "detector", "feature",
    "adjusted_p", "threshold", "verdict", "reference_id", "details",
)  # fmt: skip
OF_QUALITY = (
    "model", "model_version", "segment", "feature", "check_name", "dimension", "expected", "observed",
    "failed_rows", "total_rows", "p_value", "verdict", "reference_id", "note",
)  # fmt: skip
OF_WINDOW = (
    "model", "model_version", "segment", "reference_id", "rows", "late", "rejected", "labelled", "closed_at",
    "config_hash",
)  # fmt: skip


def picked(value: object, names: Sequence[str]) -> Row:
    """Give these attributes as columns."""
    return {name: getattr(value, name) for name in names}


Windowed = Finding | QualityFinding | PerformanceFinding | ClosedWindow | ExperimentResult | ExperimentSum


def times(of: Windowed) -> Row:
    """Give the window's times as columns."""
    return {"window_start": of.start_ms, "window_end": of.end_ms}


def judged(evaluated_at: datetime, config_hash: str | None) -> Row:
    """Give the columns of a judgement; the configuration is left out where it is that of the window."""
    return {"evaluated_at": evaluated_at, "config_hash": config_hash}


def write_findings(
    connection: Connection, findings: Sequence[Finding], evaluated_at: datetime, config_hash: str | None
) -> None:
    """Insert verdicts or replace those of equal key."""
    judgement = judged(evaluated_at, config_hash)
    rows = [
        picked(one, OF_FINDING) | picked(one.result, OF_RESULT) | times(one) | judgement for one in findings
    ]
    upsert(connection, drift_result, rows)


def write_quality(
    connection: Connection,
    findings: Sequence[QualityFinding],
    evaluated_at: datetime,
    config_hash: str | None,
) -> None:
    """Insert check results or replace those of equal key."""
    judgement = judged(evaluated_at, config_hash)
    rows = [picked(one, OF_QUALITY) | times(one) | judgement for one in findings]
    upsert(connection, quality_result, rows)


def write_window(connection: Connection, window: ClosedWindow) -> None:
    """Write the window's row and its counts."""
    upsert(connection, closed_window, [picked(window, OF_WINDOW) | times(window)])
    key = {"model": window.model, "window_start": window.start_ms, "segment": window.segment}
    counts = [key | {"feature": name, "counts": blob} for name, blob in window.counts.items()]
    upsert(connection, window_counts, counts)


def closed_windows(
    connection: Connection, of_model: str, from_ms: int, until_ms: int, limit: int
) -> tuple[ClosedWindow, ...]:
    """The first judged windows that start in the stretch, with the counts that are still kept."""
    table = closed_window
    query = select(table).where(
        table.c.model == of_model, table.c.window_start >= from_ms, table.c.window_start < until_ms
    )
    query = query.order_by(table.c.window_start, table.c.segment).limit(limit)
    rows = connection.execute(query).mappings().all()
    if not rows:
        return ()
    counts = counts_between(connection, of_model, rows[0]["window_start"], rows[-1]["window_start"])
    return tuple(as_window(row, counts.get((row["window_start"], row["segment"]), {})) for row in rows)


def as_window(row: RowMapping, counts: Mapping[str, bytes]) -> ClosedWindow:
    """Read a judged window from its row."""
    rest = {name: row[name] for name in OF_WINDOW}
    return ClosedWindow(start_ms=row["window_start"], end_ms=row["window_end"], counts=counts, **rest)


def counts_between(
    connection: Connection, of_model: str, first_ms: int, last_ms: int
) -> Mapping[tuple[int, str], dict[str, bytes]]:
    """Give the counts per (window start, segment) and feature, of windows from the first to the last."""
    table = window_counts
    query = select(table.c.window_start, table.c.segment, table.c.feature, table.c.counts).where(
        table.c.model == of_model, table.c.window_start.between(first_ms, last_ms)
    )
    found: defaultdict[tuple[int, str], dict[str, Any]] = defaultdict(dict)
    for start, segment, feature, counts in connection.execute(query.order_by(table.c.feature)):
        found[start, segment][feature] = counts
    return found
