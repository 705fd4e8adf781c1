"""One feature: its tests over time, its counts, the reference they are compared with."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from monitor.store.page.rows import Row, between, fetched
from monitor.store.result_tables import day_counts, drift_result, window_counts
from monitor.store.tables import reference

MOST_COUNTS = 512
OF_TEST = (
    "window_start", "window_end", "shift", "detector", "statistic", "adjusted_p", "effect", "effect_low",
    "effect_high", "threshold", "verdict", "n_reference", "n_current", "reference_id", "note", "details",
)  # fmt: skip


def tests(
    connection: Connection, model: str, feature: str, multiple: int, start_ms: int, end_ms: int
) -> list[Row]:
    """Give every test of a feature in windows of this length, oldest first."""
    table = drift_result
    of = (table.c.model == model, table.c.feature == feature, table.c.multiple == multiple)
    query = select(*(table.c[name] for name in OF_TEST)).where(
        *of, table.c.segment == "", between(table, start_ms, end_ms)
    )
    return fetched(connection, query.order_by(table.c.window_start, table.c.detector))


def within(
    connection: Connection, model: str, feature: str, multiple: int, start_ms: int, end_ms: int
) -> list[Row]:
    """Give the tests of a feature within segments, in windows of this length, oldest first."""
    table = drift_result
    of = (table.c.model == model, table.c.feature == feature, table.c.multiple == multiple)
    columns = (table.c.segment, table.c.window_start, table.c.effect, table.c.verdict, table.c.details)
    query = select(*columns).where(*of, table.c.segment != "", between(table, start_ms, end_ms))
    return fetched(connection, query.order_by(table.c.window_start, table.c.segment))


def counts(
    connection: Connection, model: str, feature: str, starts_ms: Collection[int]
) -> list[tuple[int, bytes]]:
    """Give the counts of a feature in these windows, oldest first.

    Some may not be kept any more, or only as a part of those of a day.
    """
    table = window_counts
    query = select(table.c.window_start, table.c.counts).where(
        table.c.model == model,
        table.c.window_start.in_(sorted(starts_ms)[:MOST_COUNTS]),
        table.c.segment == "",
        table.c.feature == feature,
    )
    return [
        (row.window_start, row.counts) for row in connection.execute(query.order_by(table.c.window_start))
    ]


def days(
    connection: Connection, model: str, feature: str, reference_id: str, start_ms: int, end_ms: int
) -> list[tuple[int, bytes]]:
    """Give the counts of a feature in days that lie in the stretch and were added up of their windows'."""
    table = day_counts
    query = select(table.c.window_start, table.c.counts).where(
        table.c.model == model,
        between(table, start_ms, end_ms),
        table.c.window_end <= end_ms,
        table.c.segment == "",
        table.c.feature == feature,
        table.c.reference_id == reference_id,
    )
    found = connection.execute(query.order_by(table.c.window_start).limit(MOST_COUNTS))
    return [(row.window_start, row.counts) for row in found]


def payload(connection: Connection, reference_id: str) -> bytes | None:
    """Give a reference in its wire form."""
    found: bytes | None = connection.execute(
        select(reference.c.payload).where(reference.c.id == reference_id)
    ).scalar()
    return found
