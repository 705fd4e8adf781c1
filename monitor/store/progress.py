"""Taking messages in: cursors, event times, windows, labels and rejects move in one transaction."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import BigInteger, Connection, bindparam, delete, func, select, tuple_, update

from monitor.errors import Fenced
from monitor.source.base import TopicPartition
from monitor.store import labels, sequential
from monitor.store.base import Advance, Beat, Gap, Late, OpenWindow, PartitionClock, Progress, Reject
from monitor.store.halves import delete_halves, write_halves
from monitor.store.result_tables import closed_window
from monitor.store.statements import Row, add_missing, inserting, of_partitions, partition_of, upsert
from monitor.store.tables import (
    cursor,
    gap,
    late_count,
    model,
    open_window,
    partition_clock,
    reader,
    reject,
    watched,
)

SAMPLE_BYTES = 1024
CHECKED_WITHIN = timedelta(minutes=1)
"""A living owner commits every few seconds."""


def commit(connection: Connection, progress: Progress) -> Mapping[str, int]:
    """Write everything; raise `Fenced` before anything when a cursor is elsewhere.

    The rows of the touched models are share-locked: no window of theirs can be judged meanwhile.
    """
    advance(connection, progress.advances)
    watch(connection, progress.watched)
    closed_until, learned_until = hold_models(connection, touched(progress))
    write_known(connection, progress.known)
    write_gone(connection, progress.gone)
    write_clocks(connection, progress.clocks)
    write_beats(connection, progress.beats)
    still_open = [window for window in progress.windows if not is_closed(window, closed_until)]
    belated = [window for window in progress.windows if is_closed(window, closed_until)]
    write_windows(connection, still_open)
    write_halves(connection, progress.halves)
    delete_halves(connection, progress.met)
    count_late(connection, [*progress.late, *map(as_late, belated)])
    write_rejects(connection, progress.rejects)
    write_gaps(connection, progress.gaps)
    labels.write_joined(connection, progress.joined)
    labels.write_learned(connection, progress.learned, learned_until)
    if progress.challenger:
        sequential.write_challenger(connection, progress.challenger, progress.holder)
    return closed_until


def touched(progress: Progress) -> frozenset[str]:
    """Name the models whose rows are written."""
    kinds = (
        progress.windows,
        progress.late,
        progress.clocks,
        progress.known,
        progress.gone,
        progress.joined,
        progress.learned,
        progress.challenger,
    )
    return frozenset(one.model for kind in kinds for one in kind)


def is_closed(window: OpenWindow, closed_until: Mapping[str, int]) -> bool:
    """Whether the window's time is judged already."""
    return window.start_ms < closed_until.get(window.model, window.start_ms)


def as_late(window: OpenWindow) -> Late:
    """Count a part that came too late."""
    return Late(window.model, window.segment, window.start_ms, window.end_ms, window.new_rows)


def advance(connection: Connection, advances: Sequence[Advance]) -> None:
    """Move cursors by compare-and-swap, in one order so that two processes cannot deadlock."""
    ordered = sorted(advances, key=lambda one: one.partition)
    rows: list[Row] = [
        {"of_topic": one.partition.topic, "of_partition": one.partition.partition,
         "expected": one.expected, "next": one.next, "end": one.log_end}
        for one in ordered if one.expected is not None
    ]  # fmt: skip
    if rows and connection.execute(SWAP, rows).rowcount != len(rows):
        raise fenced(connection, ordered)
    first: list[Row] = [
        {"topic": one.partition.topic, "partition": one.partition.partition,
         "next_offset": one.next, "log_end": one.log_end}
        for one in ordered if one.expected is None
    ]  # fmt: skip
    if add_missing(connection, cursor, first) != len(first):
        raise fenced(connection, ordered)


def watch(connection: Connection, entries: Sequence[str]) -> None:
    """Remember that these topics are looked for; `Fenced` when another process has begun to."""
    rows: list[Row] = [{"entry": entry} for entry in sorted(entries)]
    if add_missing(connection, watched, rows) != len(rows):
        raise Fenced("another process has met these topics at this moment")


def watched_entries(connection: Connection) -> frozenset[str]:
    """Give the names and patterns of topics that were looked for before."""
    return frozenset(connection.execute(select(watched.c.entry)).scalars())


SWAP = (
    update(cursor)
    .where(
        cursor.c.topic == bindparam("of_topic"),
        cursor.c.partition == bindparam("of_partition"),
        cursor.c.next_offset == bindparam("expected"),
    )
    .values(
        next_offset=bindparam("next"),
        log_end=func.coalesce(bindparam("end", type_=BigInteger()), cursor.c.log_end),
    )
)


def fenced(connection: Connection, advances: Sequence[Advance]) -> Fenced:
    """Say which cursors are elsewhere."""
    found = cursors(connection, [one.partition for one in advances])
    told = [
        f"{one.partition} was expected at {one.expected}, is at {found.get(one.partition)}"
        for one in advances
        if found.get(one.partition) not in (one.expected, one.next)
    ]
    return Fenced(f"another process has read on: {'; '.join(told) or 'a cursor was set by it'}")


def hold_models(connection: Connection, names: frozenset[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Share-lock the models' rows and give how far each is judged, and learned by sequential detectors."""
    if not names:
        return {}, {}
    query = select(model.c.name, model.c.closed_until, model.c.learned_until)
    query = query.where(model.c.name.in_(sorted(names))).order_by(model.c.name)
    found = connection.execute(query.with_for_update(read=True, key_share=True)).all()
    if missing := names - {row.name for row in found}:
        raise ValueError(f"models {sorted(missing)} are not registered: call register_models first")
    closed_until = {row.name: row.closed_until for row in found if row.closed_until is not None}
    learned_until = {row.name: row.learned_until for row in found if row.learned_until is not None}
    return closed_until, learned_until


def write_clocks(connection: Connection, clocks: Sequence[PartitionClock]) -> None:
    """Insert clocks or replace them."""
    upsert(connection, partition_clock, clock_rows(clocks))


def clock_rows(clocks: Sequence[PartitionClock]) -> list[Row]:
    """Give clocks as rows, in one order so that two processes cannot deadlock."""
    return [
        {"model": clock.model, "topic": clock.partition.topic, "partition": clock.partition.partition,
         "max_event": clock.max_event_ms, "active_at": clock.active_at, "caught_up": clock.caught_up,
         "checked_at": clock.checked_at}
        for clock in sorted(clocks, key=lambda one: (one.model, one.partition))
    ]  # fmt: skip


def write_known(connection: Connection, clocks: Sequence[PartitionClock]) -> None:
    """Insert clocks of partitions without one; doubt those that nobody has checked lately."""
    if not clocks:
        return
    table = partition_clock
    stale = func.coalesce(table.c.checked_at, table.c.active_at) < clocks[0].active_at - CHECKED_WITHIN
    keys = [column.name for column in table.primary_key]
    statement = inserting(connection, table)
    doubted = statement.on_conflict_do_update(index_elements=keys, set_={"caught_up": False}, where=stale)
    connection.execute(doubted, clock_rows(clocks))


def write_gone(connection: Connection, clocks: Sequence[PartitionClock]) -> None:
    """Note of partitions that are no more that they were read to their ends, whatever was left."""
    upsert(connection, partition_clock, clock_rows([replace(clock, caught_up=True) for clock in clocks]))


def write_beats(connection: Connection, beats: Sequence[Beat]) -> None:
    """Insert beats or replace them."""
    rows: list[Row] = [
        {"topic": beat.partition.topic, "partition": beat.partition.partition, "process": beat.process,
         "since": beat.since, "beat_at": beat.at, "recent": json.dumps(beat.recent)}
        for beat in sorted(beats, key=lambda one: one.partition)
    ]  # fmt: skip
    upsert(connection, reader, rows)


def write_windows(connection: Connection, windows: Sequence[OpenWindow]) -> None:
    """Insert open parts or replace them whole."""
    rows: list[Row] = [
        {"model": one.model, "window_start": one.start_ms, "segment": one.segment,
         "topic": one.partition.topic, "partition": one.partition.partition,
         "window_end": one.end_ms, "reference_id": one.reference_id,
         "rows": one.rows, "rejected": one.rejected, "profile": one.profile}
        for one in windows
    ]  # fmt: skip
    upsert(connection, open_window, rows)


def count_late(connection: Connection, late: Iterable[Late]) -> None:
    """Add late rows to their windows; those of windows without a row yet wait in ``late_count``."""
    sums: Counter[tuple[str, int, str, int]] = Counter()
    for one in late:
        sums[one.model, one.start_ms, one.segment, one.end_ms] += one.rows
    rows: list[Row] = [
        {"model": of, "window_start": start, "segment": segment, "window_end": end, "rows": count}
        for (of, start, segment, end), count in sorted(sums.items())
        if count
    ]
    if not rows:
        return
    statement = inserting(connection, late_count)
    keys = [column.name for column in late_count.primary_key]
    add = {"rows": late_count.c.rows + statement.excluded.rows}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=add), rows)
    hand_over_late(connection, sorted({row["model"] for row in rows}))


def hand_over_late(connection: Connection, models: Sequence[str]) -> None:
    """Move counted late rows to the windows that are closed by now."""
    same = tuple_(late_count.c.model, late_count.c.window_start, late_count.c.segment)
    closed = tuple_(closed_window.c.model, closed_window.c.window_start, closed_window.c.segment)
    of_models = late_count.c.model.in_(models)
    connection.execute(
        update(closed_window)
        .where(same == closed, of_models)
        .values(late=closed_window.c.late + late_count.c.rows)
    )
    connection.execute(delete(late_count).where(of_models, same.in_(select(*closed))))


def write_rejects(connection: Connection, rejects: Sequence[Reject]) -> None:
    """Note rejects; the first of a message and model stays."""
    rows: list[Row] = [
        {"topic": one.partition.topic, "partition": one.partition.partition, "message_offset": one.offset,
         "model": one.model, "reason": one.reason, "detail": one.detail,
         "sample": one.sample[:SAMPLE_BYTES], "at": one.at}
        for one in rejects
    ]  # fmt: skip
    add_missing(connection, reject, rows)


def write_gaps(connection: Connection, gaps: Sequence[Gap]) -> None:
    """Note gaps, each once."""
    rows: list[Row] = [
        {"topic": one.partition.topic, "partition": one.partition.partition,
         "first_lost": one.first_lost, "next_available": one.next_available, "at": one.at}
        for one in gaps
    ]  # fmt: skip
    add_missing(connection, gap, rows)


def cursors(connection: Connection, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """Give the next offsets of partitions that were read before."""
    query = select(cursor).where(of_partitions(cursor, list(partitions)))
    return {partition_of(row): row["next_offset"] for row in connection.execute(query).mappings()}
