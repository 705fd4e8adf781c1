"""An inference table in Avro on a real Kafka, its schema from a registry that is ill at first."""

from __future__ import annotations

import io
import json
import struct
import threading
from pathlib import Path

import fastavro
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from tests.integration.running import run_to_the_end, topic_of, world
from tests.monitor.worlds import HOUR_MS, START_MS, training_frame
from tests.services.postgres_fixtures import Databases
from tests.services.schema_registry import SchemaRegistry, running
from tests.services.waiting import until

HOURS, PER_HOUR, PARTITIONS, AN_EVENT = 3, 300, 2, 5
FEATURES = ["age", "country", "owner"]
MODEL = """
lateness = "5m"
windows_up_to = "1h"
[models.loans.fields]
preset = "mlflow"
format = "avro"
prediction = "response.predictions.prediction"
score = "response.predictions.score"
"""
SCHEMA = {
    "type": "record",
    "name": "Logged",
    "fields": [
        {"name": "databricks_request_id", "type": "string"},
        {"name": "timestamp_ms", "type": "long"},
        {"name": "status_code", "type": "int"},
        {"name": "request", "type": "string"},
        {"name": "response", "type": ["null", "string"]},
    ],
}


def events(logged: pd.DataFrame) -> list[bytes]:
    """Give the rows in events of five, and after each a call that failed."""
    schema = fastavro.parse_schema(json.loads(json.dumps(SCHEMA)))
    made = []
    for first in range(0, len(logged), AN_EVENT):
        rows = logged.iloc[first : first + AN_EVENT]
        request = {"dataframe_split": json.loads(rows[FEATURES].to_json(orient="split"))}
        answer = {"predictions": json.loads(rows[["prediction", "score"]].to_json(orient="records"))}
        event = {
            "databricks_request_id": f"e{first}",
            "timestamp_ms": START_MS + first * (HOUR_MS // PER_HOUR),
            "status_code": 200,
            "request": json.dumps(request),
            "response": json.dumps(answer),
        }
        for each in (event, event | {"status_code": 500, "response": None}):
            stream = io.BytesIO()
            fastavro.schemaless_writer(stream, schema, each)
            made.append(b"\x00" + struct.pack(">I", 7) + stream.getvalue())
    return made


def healed(registry: SchemaRegistry) -> None:
    """Answer again once the service has asked a few times."""
    until(lambda: len(registry.asked) >= 3, "asked for schemas", 90.0, 0.05)
    registry.failing = None


@pytest.mark.integration
@pytest.mark.timeout(240)
def test_every_row_of_framed_events_counts_once_after_an_outage_of_the_registry(
    kafka_bootstrap: str, postgres_databases: Databases, tmp_path: Path
) -> None:
    training = training_frame(rows=2_000)
    training.to_parquet(tmp_path / "training.parquet")
    logged = training_frame(rows=HOURS * PER_HOUR, seed=5)
    messages = events(logged)
    topic = topic_of(kafka_bootstrap, messages, PARTITIONS)
    with running() as registry:
        registry.add(7, json.dumps(SCHEMA))
        registry.failing = 503
        healer = threading.Thread(target=healed, args=(registry,), daemon=True)
        healer.start()
        extra, url = f'\n[registry]\nurl = "{registry.url}"\n', postgres_databases.empty()
        at = world(tmp_path, kafka_bootstrap, url, topic, tmp_path / "training.parquet", extra, MODEL)
        run_to_the_end(at, len(messages), PARTITIONS)
        healer.join(10)
    assert "schemas/ids/7: answered 503" in at.log.read_text()
    windows = at.store.view("window_history", newest_first=False)
    found = at.store.view("drift_history", where={"feature": "age", "detector": "ks"}, newest_first=False)
    rejects = at.store.view("rejects")
    at.store.close_connections()
    assert rejects == []
    assert sum(row["rows"] + row["late"] for row in windows) == len(logged)
    assert [row["n_current"] for row in found] == [row["rows"] for row in windows]
    for hour, row in enumerate(found):
        ages = logged["age"].iloc[hour * PER_HOUR : (hour + 1) * PER_HOUR]
        assert row["statistic"] == pytest.approx(ks_2samp(training["age"], ages).statistic, abs=2e-3)
