"""Writing and adding up what experiments are judged by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Connection, cast, func, select

from monitor.findings import ExperimentResult
from monitor.store.base import ExperimentSum
from monitor.store.experiment_tables import experiment_result, experiment_sum
from monitor.store.history import judged, picked, times
from monitor.store.statements import upsert
from monitor.store.types import within

OF_SUM = ("model", "experiment", "kind", "measure", "variant", "n", "total", "squares")
OF_RESULT = (
    "model", "model_version", "experiment", "kind", "measure", "variant", "control", "n_control", "n_variant",
    "control_value", "variant_value", "difference", "low", "high", "lift", "lift_low", "lift_high",
    "probability", "log_evidence", "conclusion", "reference_id", "note",
)  # fmt: skip


def write_sums(connection: Connection, sums: Sequence[ExperimentSum]) -> None:
    """Insert a window's sums or replace them."""
    upsert(connection, experiment_sum, [picked(one, OF_SUM) | times(one) for one in sums])


def write_results(
    connection: Connection,
    results: Sequence[ExperimentResult],
    evaluated_at: datetime,
    config_hash: str | None,
) -> None:
    """Insert what was concluded or replace it."""
    judgement = judged(evaluated_at, config_hash)
    rows = [picked(one, OF_RESULT) | times(one) | {"since": one.since_ms} | judgement for one in results]
    upsert(connection, experiment_result, rows)


def totals(
    connection: Connection, of_model: str, experiment: str, from_ms: int, until_ms: int
) -> tuple[ExperimentSum, ...]:
    """Add up the windows that begin in the stretch."""
    table = experiment_sum
    keys = (table.c.kind, table.c.measure, table.c.variant)
    query = (
        select(
            *keys,
            cast(func.sum(table.c.n), BigInteger()),
            func.sum(table.c.total),
            func.sum(table.c.squares),
        )
        .where(
            table.c.model == of_model,
            table.c.experiment == experiment,
            table.c.window_start >= within(from_ms),
            table.c.window_start < within(until_ms),
        )
        .group_by(*keys)
        .order_by(*keys)
    )
    return tuple(
        ExperimentSum(of_model, experiment, from_ms, until_ms, *row) for row in connection.execute(query)
    )
