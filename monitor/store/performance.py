"""Publishing how well a model did; what was published and turns out otherwise stays as a revision."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from monitor.findings import PerformanceFinding
from monitor.store.history import judged, picked, times
from monitor.store.result_tables import performance_result, performance_revision
from monitor.store.statements import Row, upsert

OF_PERFORMANCE = (
    "model", "model_version", "segment", "multiple", "metric", "is_estimate", "value", "low", "high",
    "reference_value", "band_low", "band_high", "p_value", "adjusted_p", "labelled_rows", "label_ratio",
    "verdict", "direction", "reference_id", "note",
)  # fmt: skip
OF_KEY = tuple(column.name for column in performance_result.primary_key)
PUBLISHED = ("value", "low", "high", "verdict")
"""What people have read: a change of one of these makes a revision."""

Key = tuple[Any, ...]


def write_performance(
    connection: Connection,
    findings: Sequence[PerformanceFinding],
    evaluated_at: datetime,
    config_hash: str | None,
) -> None:
    """Insert metrics or replace those of equal key, whose old values go to ``performance_revision``.

    ``revision`` counts from 0 how often what was published has changed. The caller holds the models' locks.
    """
    if not findings:
        return
    new: dict[Key, Row] = {}
    for one in findings:
        row = picked(one, OF_PERFORMANCE) | times(one) | judged(evaluated_at, config_hash)
        new[tuple(row[name] for name in OF_KEY)] = row
    superseded: list[Row] = []
    for key, old in published(connection, new).items():
        changed = differs(old, new[key])
        new[key]["revision"] = old["revision"] + changed
        if changed:
            superseded.append({column.name: old[column.name] for column in performance_revision.columns})
    upsert(connection, performance_revision, superseded)
    upsert(connection, performance_result, [{"revision": 0} | row for row in new.values()])


def published(connection: Connection, keys: dict[Key, Row]) -> dict[Key, RowMapping]:
    """Give what is there already under these keys."""
    table = performance_result
    models = sorted({row["model"] for row in keys.values()})
    starts = sorted({row["window_start"] for row in keys.values()})
    query = select(table).where(table.c.model.in_(models), table.c.window_start.in_(starts))
    rows = connection.execute(query).mappings()
    found = {tuple(row[name] for name in OF_KEY): row for row in rows}
    return {key: row for key, row in found.items() if key in keys}


def differs(old: RowMapping, new: Row) -> bool:
    """Whether people would read something else; NaN is stored as NULL."""
    return any(old[name] != known(new[name]) for name in PUBLISHED)


def known(value: Any) -> Any:
    """Give a value as it comes back from the database."""
    return None if isinstance(value, float) and math.isnan(value) else value
