"""What a process needs when partitions are given to it, and what `driftd status` shows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, select, tuple_

from monitor.source.base import TopicPartition
from monitor.store.base import OpenWindow, PartitionClock, Sample
from monitor.store.statements import of_partitions, partition_of
from monitor.store.tables import cursor, model, open_window, partition_clock, reader
from monitor.store.types import to_datetime

WINDOWS_A_QUERY = 500


def clocks_of(connection: Connection, where: ColumnElement[bool]) -> tuple[PartitionClock, ...]:
    """Give clocks, ordered by model and partition."""
    table = partition_clock
    query = select(table).where(where).order_by(table.c.model, table.c.topic, table.c.partition)
    return tuple(as_clock(row) for row in connection.execute(query).mappings())


def as_clock(row: RowMapping) -> PartitionClock:
    """Read a clock from its row."""
    return PartitionClock(
        row["model"],
        partition_of(row),
        row["max_event"],
        row["active_at"],
        row["caught_up"],
        row["checked_at"],
    )


def partition_clocks(
    connection: Connection, partitions: Iterable[TopicPartition]
) -> tuple[PartitionClock, ...]:
    """Give the clocks of these partitions, of every model."""
    return clocks_of(connection, of_partitions(partition_clock, list(partitions)))


def clocks_behind(connection: Connection, models: Iterable[str]) -> tuple[PartitionClock, ...]:
    """Give the clocks of partitions that were not read to their ends."""
    is_behind = partition_clock.c.caught_up.is_(False)
    return clocks_of(connection, partition_clock.c.model.in_(sorted(models)) & is_behind)


def windows_of(connection: Connection, where: ColumnElement[bool]) -> tuple[OpenWindow, ...]:
    """Give open parts, ordered by model, time, segment and partition."""
    table = open_window
    order = (table.c.model, table.c.window_start, table.c.segment, table.c.topic, table.c.partition)
    rows = connection.execute(select(table).where(where).order_by(*order)).mappings()
    return tuple(as_window(row) for row in rows)


def as_window(row: RowMapping) -> OpenWindow:
    """Read an open part from its row."""
    return OpenWindow(
        model=row["model"],
        segment=row["segment"],
        start_ms=row["window_start"],
        end_ms=row["window_end"],
        partition=partition_of(row),
        reference_id=row["reference_id"],
        rows=row["rows"],
        new_rows=0,
        rejected=row["rejected"],
        profile=row["profile"],
    )


def open_windows(
    connection: Connection,
    partitions: Iterable[TopicPartition],
    keys: Iterable[tuple[str, int]] | None = None,
) -> tuple[OpenWindow, ...]:
    """Give these partitions' open parts, of all windows or of some."""
    where = of_partitions(open_window, list(partitions))
    if keys is None:
        return windows_of(connection, where)
    wanted = sorted(keys)
    window = tuple_(open_window.c.model, open_window.c.window_start)
    return tuple(
        part
        for first in range(0, len(wanted), WINDOWS_A_QUERY)
        for part in windows_of(connection, where & window.in_(wanted[first : first + WINDOWS_A_QUERY]))
    )


def closed_until(connection: Connection) -> dict[str, int]:
    """Give how far each model is judged."""
    query = select(model.c.name, model.c.closed_until).where(model.c.closed_until.is_not(None))
    return {row.name: row.closed_until for row in connection.execute(query)}


def progress_rows(connection: Connection) -> list[dict[str, Any]]:
    """Give cursors beside the clocks and the latest beats of their partitions."""
    clock = partition_clock
    read = and_(reader.c.topic == cursor.c.topic, reader.c.partition == cursor.c.partition)
    same = and_(clock.c.topic == cursor.c.topic, clock.c.partition == cursor.c.partition)
    query = (
        select(
            cursor.c.topic,
            cursor.c.partition,
            clock.c.model,
            cursor.c.next_offset,
            cursor.c.log_end,
            clock.c.max_event.label("event_time"),
            clock.c.active_at,
            clock.c.caught_up,
            reader.c.process,
            reader.c.since,
            reader.c.beat_at,
            reader.c.recent,
        )
        .outerjoin_from(cursor, clock, same)
        .outerjoin(reader, read)
        .order_by(cursor.c.topic, cursor.c.partition, clock.c.model)
    )
    return [as_progress(dict(row)) for row in connection.execute(query).mappings()]


def as_progress(row: dict[str, Any]) -> dict[str, Any]:
    """Turn event time into a moment, as in the views, and positions into samples."""
    at = row["event_time"]
    recent = tuple(Sample(*one) for one in json.loads(row["recent"] or "[]"))
    return row | {"event_time": None if at is None else to_datetime(at), "recent": recent}
