"""Feast's feature log: the store writes what a service has served, in the schema that it makes for it.

Bridges carry the table's rows to Kafka as JSON objects; here pyarrow reads them from Feast's own Parquet.
"""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, RepoConfig
from feast.feature_logging import FeatureServiceLoggingSource, LoggingConfig
from feast.infra.offline_stores.file_source import FileLoggingDestination
from feast.types import Bool, Float64, Int64, String
from feast.value_type import ValueType

from tests.formats.produce.writing import keep, rows

PRESENT = 1


def made_store(folder: Path) -> tuple[FeatureStore, FeatureService]:
    """Make a store with one view and a service that is logged."""
    config = RepoConfig(
        project="churn",
        provider="local",
        registry=str(folder / "registry.db"),
        online_store={"type": "sqlite", "path": str(folder / "online.db")},
        entity_key_serialization_version=3,
        repo_path=folder,
    )
    store = FeatureStore(config=config)
    customer = Entity(name="customer", join_keys=["customer"], value_type=ValueType.INT64)
    (folder / "source.parquet").touch()
    view = FeatureView(
        name="stats",
        entities=[customer],
        ttl=timedelta(days=1),
        schema=[
            Field(name="customer", dtype=Int64),
            Field(name="age", dtype=Float64),
            Field(name="plan", dtype=String),
            Field(name="visits", dtype=Int64),
            Field(name="owner", dtype=Bool),
        ],
        source=FileSource(path=str(folder / "source.parquet"), timestamp_field="at"),
    )
    logging = LoggingConfig(destination=FileLoggingDestination(path=str(folder / "logs")))
    service = FeatureService(name="churn", features=[view], logging_config=logging)
    store.registry.apply_entity(customer, "churn")
    store.registry.apply_feature_view(view, "churn")
    store.registry.apply_feature_service(service, "churn")
    return store, service


def logged(row: dict[str, Any], schema: pa.Schema) -> dict[str, Any]:
    """Give what the server logs of one call, by the columns of Feast's schema."""
    at = datetime.fromtimestamp(row["time_ms"] / 1000, UTC)
    made = {
        "customer": 7,
        "__request_id": row["id"],
        "__log_timestamp": at,
        "__log_date": at.date(),
    }
    for name in ("age", "plan", "visits", "owner"):
        made |= {f"stats__{name}": row[name], f"stats__{name}__timestamp": at}
        made[f"stats__{name}__status"] = PRESENT
    assert sorted(made) == sorted(schema.names), schema.names
    return made


def as_json(cell: object) -> object:
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    raise TypeError(cell)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store, service = made_store(folder)
        schema = FeatureServiceLoggingSource(service, "churn").get_schema(store.registry)
        table = pa.Table.from_pylist([logged(row, schema) for row in rows()], schema=schema)
        store.write_logged_features(table, service)
        written = pyarrow.dataset.dataset(folder / "logs", format="parquet").to_table().to_pylist()
    lines = [json.dumps(row, default=as_json, ensure_ascii=False) for row in written]
    keep("feast", lines, "feast", "pyarrow")


if __name__ == "__main__":
    main()
