"""Counts of old windows, added up to days."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, and_, delete, func, insert, select

from monitor.store.result_tables import closed_window, day_counts, window_counts
from monitor.store.values import DayCounts

AT_ONCE = 500  # windows in one statement


def first_counts(
    connection: Connection, model: str, from_ms: int | None, until_ms: int, before: datetime
) -> int | None:
    """Give the start of the first window with counts of its own, on one reference, that was judged before."""
    counts, window = window_counts.c, closed_window.c
    same = and_(
        window.model == counts.model,
        window.window_start == counts.window_start,
        window.segment == counts.segment,
        window.closed_at < before,
        window.reference_id != "",
    )
    query = select(counts.window_start).join(closed_window, same)
    query = query.where(counts.model == model, counts.window_start < until_ms)
    if from_ms is not None:
        query = query.where(counts.window_start >= from_ms)
    found: int | None = connection.execute(query.order_by(counts.window_start).limit(1)).scalar()
    return found


def roll_up(connection: Connection, day: DayCounts, starts_ms: tuple[int, ...], rows: int) -> bool:
    """Put the day in the place of its windows' counts; False when those are not as they were read."""
    gone = 0
    for first in range(0, len(starts_ms), AT_ONCE):
        some = starts_ms[first : first + AT_ONCE]
        table = window_counts.c
        where = and_(table.model == day.model, table.segment == "", table.window_start.in_(some))
        gone += connection.execute(delete(window_counts).where(where)).rowcount
    if gone != rows:
        return False
    of = {
        "model": day.model,
        "window_start": day.start_ms,
        "segment": "",
        "last_start": day.last_start_ms,
        "window_end": day.end_ms,
        "reference_id": day.reference_id,
        "windows": day.windows,
    }
    blobs = [of | {"feature": name, "counts": blob} for name, blob in day.counts.items()]
    connection.execute(insert(day_counts), blobs)
    return True


def day_of(connection: Connection, model: str, start_ms: int, reference_id: str) -> DayCounts | None:
    """Give the day that the window was added up to; None when it was not."""
    table = day_counts.c
    last = (
        select(func.max(table.window_start))
        .where(table.model == model, table.window_start <= start_ms, table.reference_id == reference_id)
        .scalar_subquery()
    )
    query = select(day_counts).where(
        table.model == model, table.window_start == last, table.last_start >= start_ms
    )
    rows = connection.execute(query).mappings().all()
    if not rows:
        return None
    return DayCounts(
        model=model,
        start_ms=rows[0]["window_start"],
        last_start_ms=rows[0]["last_start"],
        end_ms=rows[0]["window_end"],
        reference_id=reference_id,
        windows=rows[0]["windows"],
        counts={row["feature"]: row["counts"] for row in rows},
    )
