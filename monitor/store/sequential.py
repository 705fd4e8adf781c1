"""Checkpoints of the sequential detectors, and how the challenger does."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, select

from monitor.store.base import ChallengerResult, DetectorState
from monitor.store.label_tables import challenger_result, detector_state
from monitor.store.statements import Row, upsert
from monitor.store.types import within

OF_STATE = ("model", "segment", "signal", "detector", "rows", "dropped", "state")
OF_CHALLENGER = ("model", "base", "rule", "rows", "scored_rows", "abstention_share", "shed_rows")
FIGURES = ("production_errors", "challenger_errors", "difference", "low", "high")


def write_states(connection: Connection, states: Iterable[DetectorState]) -> None:
    """Insert checkpoints or replace them."""
    rows: list[Row] = [
        {name: getattr(one, name) for name in OF_STATE} | {"until": one.until_ms} for one in states
    ]
    upsert(connection, detector_state, rows)


def states_of(connection: Connection, of_model: str) -> tuple[DetectorState, ...]:
    """Give a model's checkpoints, ordered by their key."""
    table = detector_state
    query = select(table).where(table.c.model == of_model)
    rows = connection.execute(query.order_by(table.c.segment, table.c.signal, table.c.detector)).mappings()
    return tuple(
        DetectorState(until_ms=row["until"], **{name: row[name] for name in OF_STATE}) for row in rows
    )


def write_challenger(connection: Connection, results: Iterable[ChallengerResult]) -> None:
    """Insert results or replace those of the same window, in one order for all processes."""
    rows: list[Row] = [
        {name: getattr(one, name) for name in (*OF_CHALLENGER, *FIGURES)}
        | {"window_start": one.start_ms, "window_end": one.end_ms}
        for one in sorted(results, key=lambda one: (one.model, one.start_ms))
    ]
    upsert(connection, challenger_result, rows)


def challenger_since(connection: Connection, of_model: str, since_ms: int) -> tuple[ChallengerResult, ...]:
    """Give the results of windows that start then or later, oldest first."""
    query = challengers_of(of_model).where(challenger_result.c.window_start >= within(since_ms))
    rows = connection.execute(query.order_by(challenger_result.c.window_start)).mappings()
    return tuple(map(as_challenger, rows))


def latest_challenger(connection: Connection, of_model: str, limit: int) -> tuple[ChallengerResult, ...]:
    """Give the latest results, newest first."""
    query = challengers_of(of_model).order_by(challenger_result.c.window_start.desc()).limit(limit)
    return tuple(map(as_challenger, connection.execute(query).mappings()))


def challengers_of(of_model: str) -> Select[Any]:
    """Select a model's results."""
    return select(challenger_result).where(challenger_result.c.model == of_model)


def as_challenger(row: RowMapping) -> ChallengerResult:
    """Read a result from its row; NULL is the figure that was not a number."""
    found: dict[str, Any] = {name: row[name] for name in OF_CHALLENGER}
    found |= {name: math.nan if row[name] is None else row[name] for name in FIGURES}
    return ChallengerResult(start_ms=row["window_start"], end_ms=row["window_end"], **found)
