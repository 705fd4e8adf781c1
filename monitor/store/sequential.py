"""Checkpoints of the sequential detectors, and how the challenger does."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, or_, select, tuple_

from monitor.store.base import ChallengerResult, DetectorState, Lease
from monitor.store.label_tables import challenger_lease, challenger_result, detector_state
from monitor.store.statements import Row, inserting, upsert
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


def write_challenger(connection: Connection, results: Iterable[ChallengerResult], holder: str) -> None:
    """Insert results, but of models whose lease another holder has, in one order for all processes.

    Those of a window that is there already are replaced unless they hold fewer rows: after the lease has
    moved, a window that both holders counted into is told by the one that saw more of it.
    """
    others = select(challenger_lease.c.model, challenger_lease.c.holder).with_for_update(read=True)
    elsewhere = frozenset(of for of, by in connection.execute(others) if by != holder)
    rows: list[Row] = [
        {name: getattr(one, name) for name in (*OF_CHALLENGER, *FIGURES)}
        | {"window_start": one.start_ms, "window_end": one.end_ms}
        for one in sorted(results, key=lambda one: (one.model, one.start_ms))
        if one.model not in elsewhere
    ]
    if not rows:
        return
    statement, old = inserting(connection, challenger_result), challenger_result.c
    new, keys = statement.excluded, [column.name for column in challenger_result.primary_key]
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=keys,
            set_={name: new[name] for name in rows[0] if name not in keys},
            where=tuple_(new["rows"], new.scored_rows) >= tuple_(old["rows"], old.scored_rows),
        ),
        rows,
    )


def hold(connection: Connection, lease: Lease, now: datetime) -> bool:
    """Take a lease that is free or over, or renew one's own; False when another has it."""
    table = challenger_lease
    free = or_(table.c.holder == lease.holder, table.c.until < now)
    values = {"holder": lease.holder, "until": lease.until}
    statement = inserting(connection, table).values(model=lease.model, **values)
    statement = statement.on_conflict_do_update(index_elements=["model"], set_=values, where=free)
    return connection.execute(statement.execution_options(preserve_rowcount=True)).rowcount == 1


def leases(connection: Connection) -> tuple[Lease, ...]:
    """Give all leases, by model."""
    found = select(challenger_lease).order_by(challenger_lease.c.model)
    return tuple(Lease(**row) for row in connection.execute(found).mappings())


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
