"""Requests and responses that wait for each other: written by the transaction that moves cursors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, Table, bindparam, delete, select

from monitor.source.base import TopicPartition
from monitor.store.base import HalfKey, WaitingHalf
from monitor.store.statements import Row, of_partitions, partition_of, upsert
from monitor.store.tables import key, metadata
from monitor.store.types import EventTime

waiting_half = Table(
    "waiting_half",
    metadata,
    key("model"),
    key("topic"),
    Column("partition", Integer(), primary_key=True, autoincrement=False),
    Column("message_offset", BigInteger(), primary_key=True, autoincrement=False),
    Column("due", EventTime(), nullable=False),
    Column("half", LargeBinary(), nullable=False),
    comment="Requests without their response so far and the other way round, with the whole message.",
)


def halves(connection: Connection, partitions: Iterable[TopicPartition]) -> tuple[WaitingHalf, ...]:
    """Give the halves of these partitions, of every model, in the order in which they came."""
    table = waiting_half
    query = select(table).where(of_partitions(table, list(partitions))).order_by(*table.primary_key)
    return tuple(
        WaitingHalf(HalfKey(row["model"], partition_of(row), row["message_offset"]), row["due"], row["half"])
        for row in connection.execute(query).mappings()
    )


def write_halves(connection: Connection, waiting: Sequence[WaitingHalf]) -> None:
    """Let halves wait."""
    rows: list[Row] = [_key(one.key) | {"due": one.due_ms, "half": one.half} for one in waiting]
    upsert(connection, waiting_half, rows)


def delete_halves(connection: Connection, met: Sequence[HalfKey]) -> None:
    """Forget halves that wait no more."""
    if met:
        connection.execute(_GONE, [{f"of_{name}": value for name, value in _key(one).items()} for one in met])


def _key(one: HalfKey) -> Row:
    topic, partition = one.partition
    return {"model": one.model, "topic": topic, "partition": partition, "message_offset": one.offset}


_GONE = delete(waiting_half).where(
    *(column == bindparam(f"of_{column.name}") for column in waiting_half.primary_key)
)
