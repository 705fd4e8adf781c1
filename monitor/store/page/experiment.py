"""What an experiment said over time."""

from __future__ import annotations

from sqlalchemy import Connection, select

from monitor.store.experiment_tables import experiment_result
from monitor.store.page.rows import Row, between, fetched

OF_RESULT = (
    "window_start", "experiment", "kind", "measure", "variant", "n_control", "n_variant",
    "control_value", "variant_value", "difference", "low", "high", "lift_low", "lift_high",
    "probability", "conclusion", "note",
)  # fmt: skip


def results(connection: Connection, model: str, start_ms: int, end_ms: int) -> list[Row]:
    """Give the split, performance and metric of every treatment in these windows, oldest first."""
    table = experiment_result
    query = select(*(table.c[name] for name in OF_RESULT)).where(
        table.c.model == model,
        between(table, start_ms, end_ms),
        table.c.kind.in_(("split", "performance", "metric")),
    )
    order = (table.c.window_start, table.c.experiment, table.c.kind, table.c.measure, table.c.variant)
    return fetched(connection, query.order_by(*order))
