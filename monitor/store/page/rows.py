"""Pieces that the page's queries share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    FromClause,
    Table,
    and_,
    bindparam,
    column,
    func,
    values,
)
from sqlalchemy.sql.selectable import Select
from sqlalchemy.types import TypeEngine

from detectors.result import Shift
from monitor.store.result_tables import drift_result
from monitor.store.types import EventTime, Words

Row = dict[str, Any]
IN_ROWS = (Shift.COVARIATE.value, Shift.PRIOR.value)
"""Shifts whose effect is a share of rows that moved, so that one colour may stand for one number."""


def fetched(connection: Connection, query: Select[Any]) -> list[Row]:
    """Give rows as dictionaries."""
    found = connection.execute(query)
    names = tuple(found.keys())
    return [dict(zip(names, row, strict=True)) for row in found]


def wanted(connection: Connection, rows: Sequence[tuple[Any, ...]], **types: TypeEngine[Any]) -> FromClause:
    """Make a small table of what is wanted, to join with: one index look-up a row, in one statement.

    On Postgres its columns are parameters, however many rows there are: the statement is compiled once.
    """
    columns = [column(key, kind) for key, kind in types.items()]
    if connection.dialect.name != "postgresql":
        return values(*columns, name="wanted").data(rows).cte("wanted")
    given = zip(zip(*rows, strict=True), types.values(), strict=True)
    arrays = (bindparam(None, list(each), ARRAY(kind), unique=True) for each, kind in given)
    return func.unnest(*arrays).table_valued(*columns, name="wanted").render_derived()


def per_model(connection: Connection, times: Mapping[str, int]) -> FromClause:
    """Make such a table with a time for each model."""
    return wanted(connection, list(times.items()), model=Words(), at=EventTime())


def moved_rows(table: Table = drift_result) -> ColumnElement[bool]:
    """Leave the tests of single features, predictions and labels over the whole log.

    What tests pairs of features has no feature, and its effect is no share of rows.
    """
    return and_(table.c.segment == "", table.c.feature != "", table.c.shift.in_(IN_ROWS))


def between(table: Table, start_ms: int, end_ms: int) -> ColumnElement[bool]:
    """Leave windows that begin in the stretch."""
    return and_(table.c.window_start >= start_ms, table.c.window_start < end_ms)
