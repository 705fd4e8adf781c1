"""One model: every feature over time, and what is broken now."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from detectors.result import Verdict
from monitor.store.page.rows import Row, between, fetched, moved_rows
from monitor.store.result_tables import closed_window, drift_result, quality_result

MOST_FEATURES = 2_000
PAIRS = "correlation"
"""The detector of pairs of features; its rows have no feature."""


def latest_start(connection: Connection, model: str, before_ms: int) -> int | None:
    """Give the start of the latest judged window that began before then."""
    table = closed_window
    query = select(table.c.window_start).where(
        table.c.model == model, table.c.segment == "", table.c.window_start < before_ms
    )
    found: int | None = connection.execute(query.order_by(table.c.window_start.desc()).limit(1)).scalar()
    return found


def features(connection: Connection, model: str, start_ms: int) -> list[str]:
    """Give the columns that were tested in the window."""
    table = drift_result
    query = select(table.c.feature).distinct().where(table.c.window_start == start_ms, table.c.model == model)
    query = query.where(moved_rows(), table.c.multiple == 1).order_by(table.c.feature).limit(MOST_FEATURES)
    return list(connection.execute(query).scalars())


def heat(
    connection: Connection,
    model: str,
    features: Collection[str],
    multiple: int,
    start_ms: int,
    end_ms: int,
) -> list[Row]:
    """Give effect and verdict of each feature in each window of this length, oldest first."""
    table = drift_result
    columns = (table.c.feature, table.c.window_start, table.c.shift, table.c.effect, table.c.verdict)
    of = (table.c.model == model, table.c.feature.in_(sorted(features)), table.c.multiple == multiple)
    query = select(*columns).where(*of, moved_rows(), between(table, start_ms, end_ms))
    return fetched(connection, query.order_by(table.c.feature, table.c.window_start))


def segments(
    connection: Connection, model: str, features: Collection[str], multiple: int, start_ms: int, end_ms: int
) -> list[Row]:
    """Give which of the features drifted within segments in windows of this length, latest first."""
    table = drift_result
    columns = ("segment", "feature", "window_start", "effect", "details")
    query = select(*(table.c[name] for name in columns)).where(
        table.c.model == model,
        table.c.feature.in_(sorted(features)),
        table.c.multiple == multiple,
        table.c.segment != "",
        table.c.verdict == Verdict.DRIFT.value,
        between(table, start_ms, end_ms),
    )
    return fetched(connection, query.order_by(table.c.window_start.desc()).limit(MOST_FEATURES))


def pairs(connection: Connection, model: str, multiple: int, start_ms: int, end_ms: int) -> list[Row]:
    """Give how features went together in windows of this length, oldest first."""
    table = drift_result
    columns = ("window_start", "effect", "verdict", "details")
    query = select(*(table.c[name] for name in columns)).where(
        table.c.model == model,
        table.c.feature == "",
        table.c.multiple == multiple,
        table.c.segment == "",
        table.c.detector == PAIRS,
        between(table, start_ms, end_ms),
    )
    return fetched(connection, query.order_by(table.c.window_start))


def windows(connection: Connection, model: str, start_ms: int, end_ms: int, limit: int) -> list[Row]:
    """Give the latest judged windows of the stretch, newest first."""
    table = closed_window
    names = ("window_start", "window_end", "rows", "late", "rejected", "labelled", "reference_id")
    query = select(*(table.c[name] for name in names)).where(
        table.c.model == model, table.c.segment == "", between(table, start_ms, end_ms)
    )
    return fetched(connection, query.order_by(table.c.window_start.desc()).limit(limit))


def broken(connection: Connection, model: str, start_ms: int) -> list[Row]:
    """Give the checks of data quality that did not pass in the window."""
    table = quality_result
    names = ("feature", "check_name", "expected", "observed", "failed_rows", "total_rows", "verdict", "note")
    query = select(*(table.c[name] for name in names)).where(
        table.c.window_start == start_ms,
        table.c.model == model,
        table.c.segment == "",
        table.c.verdict.in_(("fail", "warn", "error")),
    )
    return fetched(connection, query.order_by(table.c.feature, table.c.check_name))
