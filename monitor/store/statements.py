"""The few statements that Postgres and SQLite spell alike but SQLAlchemy keeps in two places."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, tuple_
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from monitor.source.base import TopicPartition

Row = dict[str, Any]


def inserting(connection: Connection, table: Table) -> Insert:
    """Begin an INSERT that can take an ON CONFLICT clause."""
    return _insert(connection.dialect.name, table)


def _insert(dialect: str, table: Table) -> Insert:
    if dialect == "postgresql":
        return insert(table)
    return sqlite_insert(table)  # type: ignore[return-value]  # the same two methods, another class


def add_missing(connection: Connection, table: Table, rows: Sequence[Row]) -> int:
    """Insert the rows whose key is not there yet; give how many those were."""
    if not rows:
        return 0
    statement = inserting(connection, table).on_conflict_do_nothing()
    return connection.execute(statement.execution_options(preserve_rowcount=True), rows).rowcount


def upsert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows, or replace in those of equal key the columns that are given; the last of equals wins."""
    if rows:
        connection.execute(_replacing(connection.dialect.name, table, tuple(rows[0])), rows)


@cache  # to build the statement takes longer than SQLite takes to run it
def _replacing(dialect: str, table: Table, columns: tuple[str, ...]) -> Insert:
    keys = [column.name for column in table.primary_key]
    statement = _insert(dialect, table)
    replaced = {name: statement.excluded[name] for name in columns if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=replaced)


def of_partitions(table: Table, partitions: Collection[TopicPartition]) -> ColumnElement[bool]:
    """Select the rows of these partitions."""
    return tuple_(table.c.topic, table.c.partition).in_([tuple(partition) for partition in partitions])


def partition_of(row: RowMapping) -> TopicPartition:
    """Read the partition that a row is about."""
    return TopicPartition(row["topic"], row["partition"])
