"""Pieces that the page's queries share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, Table, and_, column, values
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
    return [dict(row) for row in connection.execute(query).mappings()]


def wanted(name: str, rows: Sequence[tuple[Any, ...]], **types: TypeEngine[Any]) -> CTE:
    """Make a small table of what is wanted, to join with: one index look-up a row, in one statement."""
    return values(*(column(key, kind) for key, kind in types.items()), name=name).data(rows).cte(name)


def per_model(times: Mapping[str, int]) -> CTE:
    """Make such a table with a time for each model."""
    return wanted("wanted", list(times.items()), model=Words(), at=EventTime())


def moved_rows(table: Table = drift_result) -> ColumnElement[bool]:
    """Leave the tests of single features, predictions and labels over the whole log.

    What tests pairs of features has no feature, and its effect is no share of rows.
    """
    return and_(table.c.segment == "", table.c.feature != "", table.c.shift.in_(IN_ROWS))


def between(table: Table, start_ms: int, end_ms: int) -> ColumnElement[bool]:
    """Leave windows that begin in the stretch."""
    return and_(table.c.window_start >= start_ms, table.c.window_start < end_ms)
