"""How well a model did over time."""

from __future__ import annotations

from sqlalchemy import Connection, select

from monitor.store.label_tables import challenger_result
from monitor.store.page.rows import Row, between, fetched
from monitor.store.public import PUBLIC
from monitor.store.result_tables import performance_result
from monitor.store.types import to_datetime, to_ms

OF_METRIC = (
    "window_start", "window_end", "metric", "is_estimate", "value", "low", "high", "reference_value",
    "band_low", "band_high", "labelled_rows", "label_ratio", "verdict", "revision", "note",
)  # fmt: skip


def metrics(connection: Connection, model: str, multiple: int, start_ms: int, end_ms: int) -> list[Row]:
    """Give every metric in windows of this length, oldest first."""
    table = performance_result
    query = select(*(table.c[name] for name in OF_METRIC)).where(
        table.c.model == model,
        between(table, start_ms, end_ms),
        table.c.multiple == multiple,
        table.c.segment == "",
    )
    return fetched(connection, query.order_by(table.c.window_start, table.c.metric))


def challenger(connection: Connection, model: str, start_ms: int, end_ms: int) -> list[Row]:
    """Give what the challenger did beside the model, oldest first."""
    table = challenger_result
    query = select(table).where(table.c.model == model, between(table, start_ms, end_ms))
    return fetched(connection, query.order_by(table.c.window_start))


def labels(connection: Connection, model: str, start_ms: int, end_ms: int) -> list[Row]:
    """Give the labels of each window that got any, oldest first."""
    table = PUBLIC["label_history"].table
    query = select(table).where(
        table.c.model == model,
        table.c.segment == "",
        table.c.window_start >= to_datetime(start_ms),
        table.c.window_start < to_datetime(end_ms),
    )
    rows = fetched(connection, query.order_by(table.c.window_start))
    return [row | {name: to_ms(row[name]) for name in ("window_start", "window_end")} for row in rows]
