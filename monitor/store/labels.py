"""What the join of labels keeps: sums per window of predictions, losses per window of learning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    RowMapping,
    ScalarSelect,
    Table,
    and_,
    cast,
    delete,
    func,
    select,
    update,
)

from monitor.source.base import TopicPartition
from monitor.store.base import JoinedWindow, LearnedWindow, WindowFacts
from monitor.store.label_tables import joined_window, learned_window
from monitor.store.result_tables import closed_window
from monitor.store.statements import Row, partition_of, upsert
from monitor.store.types import within

COUNTS = ("labelled", "unusable", "duplicates", "corrected", "too_late", "unmatched")
AT_ONCE = 1000
"""Windows asked for in one statement: a database takes some ten thousand parameters."""


def write_joined(connection: Connection, windows: Sequence[JoinedWindow]) -> None:
    """Insert parts or replace them whole; each is to be looked at (again)."""
    rows: list[Row] = [
        share_of(one) | {name: getattr(one, name) for name in COUNTS} | {"changed": True, "arms": one.arms}
        for one in sorted(windows, key=order)
    ]
    upsert(connection, joined_window, rows)


def write_learned(
    connection: Connection, windows: Sequence[LearnedWindow], learned_until: Mapping[str, int]
) -> None:
    """Insert parts or replace them whole, but for those of windows that have been learned."""
    rows = [
        share_of(one)
        for one in sorted(windows, key=order)
        if one.model not in learned_until or one.end_ms > learned_until[one.model]
    ]
    upsert(connection, learned_window, rows)


def order(one: JoinedWindow | LearnedWindow) -> tuple[Any, ...]:
    """Give the key, by which all processes write in one order."""
    return one.model, one.start_ms, one.segment, one.partition


def share_of(one: JoinedWindow | LearnedWindow) -> Row:
    """Give what both kinds of parts have as columns."""
    return {
        "model": one.model, "window_start": one.start_ms, "segment": one.segment,
        "topic": one.partition.topic, "partition": one.partition.partition,
        "window_end": one.end_ms, "reference_id": one.reference_id, "sums": one.sums,
    }  # fmt: skip


def as_joined(row: RowMapping) -> JoinedWindow:
    """Read a part from its row."""
    return JoinedWindow(**fields(row), **{name: row[name] for name in (*COUNTS, "arms")})


def as_learned(row: RowMapping) -> LearnedWindow:
    """Read a part from its row."""
    return LearnedWindow(**fields(row))


def fields(row: RowMapping) -> dict[str, Any]:
    """Read what both kinds of parts have."""
    named = {name: row[name] for name in ("model", "segment", "reference_id", "sums")}
    times = {"start_ms": row["window_start"], "end_ms": row["window_end"]}
    return named | times | {"partition": partition_of(row)}


def parts(connection: Connection, table: Table, *where: ColumnElement[bool]) -> Iterator[RowMapping]:
    """Give rows of parts, ordered by time, segment and partition."""
    by = (table.c.window_start, table.c.segment, table.c.topic, table.c.partition)
    return iter(connection.execute(select(table).where(*where).order_by(*by)).mappings().all())


def of_window(table: Table, of_model: str, start_ms: int) -> ColumnElement[bool]:
    """Select one window's parts."""
    return and_(table.c.model == of_model, table.c.window_start == start_ms)


def parts_of_partition(
    connection: Connection, table: Table, of_model: str, partition: TopicPartition, starts_ms: Iterable[int]
) -> Iterator[RowMapping]:
    """Give one partition's rows of these windows, ordered by time and segment."""
    starts = sorted(set(starts_ms))
    mine = and_(
        table.c.model == of_model,
        table.c.topic == partition.topic,
        table.c.partition == partition.partition,
    )
    for first in range(0, len(starts), AT_ONCE):
        yield from parts(connection, table, mine, table.c.window_start.in_(starts[first : first + AT_ONCE]))


def joined_windows(
    connection: Connection, of_model: str, partition: TopicPartition, starts_ms: Iterable[int]
) -> tuple[JoinedWindow, ...]:
    """Give one partition's sums."""
    return tuple(
        map(as_joined, parts_of_partition(connection, joined_window, of_model, partition, starts_ms))
    )


def learned_windows(
    connection: Connection, of_model: str, partition: TopicPartition, starts_ms: Iterable[int]
) -> tuple[LearnedWindow, ...]:
    """Give one partition's losses."""
    found = parts_of_partition(connection, learned_window, of_model, partition, starts_ms)
    return tuple(map(as_learned, found))


def joined_parts(connection: Connection, of_model: str, start_ms: int) -> tuple[JoinedWindow, ...]:
    """Give every partition's sums of one window."""
    return tuple(
        map(as_joined, parts(connection, joined_window, of_window(joined_window, of_model, start_ms)))
    )


def joined_changed(connection: Connection, of_model: str, before_ms: int, limit: int) -> tuple[int, ...]:
    """Give the first windows with a part that has not been looked at."""
    start = joined_window.c.window_start
    query = select(start).distinct().where(joined_window.c.model == of_model, joined_window.c.changed)
    query = query.where(start < within(before_ms)).order_by(start).limit(limit)
    return tuple(connection.execute(query).scalars())


def joined_done(connection: Connection, of_model: str, start_ms: int) -> None:
    """Note that one window's parts have been looked at."""
    mine = and_(of_window(joined_window, of_model, start_ms), joined_window.c.changed)
    connection.execute(update(joined_window).where(mine).values(changed=False))


def delete_joined_before(connection: Connection, of_model: str, until_ms: int) -> int:
    """Forget the sums of windows that end then or earlier."""
    mine = and_(joined_window.c.model == of_model, joined_window.c.window_end <= within(until_ms))
    return connection.execute(delete(joined_window).where(mine)).rowcount


def learned_starts(connection: Connection, of_model: str) -> tuple[int, ...]:
    """Give the windows whose losses have not been learned."""
    start = learned_window.c.window_start
    query = select(start).distinct().where(learned_window.c.model == of_model).order_by(start)
    return tuple(connection.execute(query).scalars())


def learned_parts(connection: Connection, of_model: str, start_ms: int) -> tuple[LearnedWindow, ...]:
    """Give every partition's losses of one window."""
    return tuple(
        map(as_learned, parts(connection, learned_window, of_window(learned_window, of_model, start_ms)))
    )


def delete_learned(connection: Connection, of_model: str, starts_ms: Iterable[int]) -> None:
    """Forget these windows' losses."""
    starts = sorted(set(starts_ms))
    for first in range(0, len(starts), AT_ONCE):
        some = learned_window.c.window_start.in_(starts[first : first + AT_ONCE])
        connection.execute(delete(learned_window).where(learned_window.c.model == of_model, some))


def window_facts(
    connection: Connection, of_model: str, from_ms: int, until_ms: int, limit: int
) -> tuple[WindowFacts, ...]:
    """Give judged windows that start in the stretch, with the labels that are known by now."""
    table = closed_window
    columns = (table.c.window_start, table.c.window_end, table.c.rows, table.c.late, table.c.reference_id)
    query = select(*columns, labelled_so_far().label("labelled"), table.c.segment).where(
        table.c.model == of_model,
        table.c.window_start >= within(from_ms),
        table.c.window_start < within(until_ms),
    )
    query = query.order_by(table.c.window_start, table.c.segment).limit(limit)
    return tuple(WindowFacts(*row) for row in connection.execute(query))


def labelled_so_far() -> ScalarSelect[Any]:
    """Sum a judged window's labelled rows over its joined parts, by their key."""
    same = and_(
        joined_window.c.model == closed_window.c.model,
        joined_window.c.window_start == closed_window.c.window_start,
        joined_window.c.segment == closed_window.c.segment,
    )
    total = cast(func.coalesce(func.sum(joined_window.c.labelled), 0), BigInteger())  # Postgres: numeric
    return select(total).where(same).correlate(closed_window).scalar_subquery()


def set_labelled(connection: Connection, of_model: str, start_ms: int, segment: str, rows: int) -> None:
    """Note how many rows of a judged window have their label."""
    window = and_(of_window(closed_window, of_model, start_ms), closed_window.c.segment == segment)
    connection.execute(update(closed_window).where(window).values(labelled=rows))
