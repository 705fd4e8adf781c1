"""Drift in one country only, on a real Kafka and a real Postgres."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scipy.stats import ks_2samp

from tests.integration.running import run_to_the_end, topic_of, world
from tests.monitor.worlds import HOUR_MS, START_MS, payload, training_frame
from tests.services.postgres_fixtures import Databases

HOURS, PER_HOUR, PARTITIONS = 4, 400, 3
MODEL = '\nlateness = "5m"\nwindows_up_to = "2h"\nsegments = ["country"]\nmax_segments = 2\n'


@pytest.mark.integration
@pytest.mark.timeout(240)
def test_drift_in_one_country_is_found_there_and_said_to_be_only_there(
    kafka_bootstrap: str, postgres_databases: Databases, tmp_path: Path
) -> None:
    training = training_frame(rows=3_000)
    training.to_parquet(tmp_path / "training.parquet")
    logged = training_frame(rows=HOURS * PER_HOUR, seed=5)
    is_moved = (logged["country"] == "FR") & (logged.index >= 2 * PER_HOUR)
    logged.loc[is_moved, "age"] += 25.0
    rows = [
        payload(
            f"r{i}",
            START_MS + i * (HOUR_MS // PER_HOUR),
            {name: row[name] for name in ("age", "country", "owner")},
            prediction=row["prediction"],
            score=row["score"],
        )
        for i, row in enumerate(logged.to_dict("records"))
    ]
    topic = topic_of(kafka_bootstrap, rows, PARTITIONS)
    url = postgres_databases.empty()
    at = world(tmp_path, kafka_bootstrap, url, topic, tmp_path / "training.parquet", model=MODEL)
    run_to_the_end(at, len(rows), PARTITIONS)
    found = at.store.view("drift_history", where={"feature": "age", "detector": "ks"}, newest_first=False)
    alerts = at.store.view("alert_history", newest_first=False)
    at.store.close_connections()
    assert {row["segment"] for row in found} == {"", "country=DE", "country=FR"}, "PT is in the whole only"
    for row in (row for row in found if row["segment"]):
        country = row["segment"].removeprefix("country=")
        before = training[training["country"] == country]["age"]
        assert row["statistic"] == pytest.approx(
            ks_2samp(before, ages(logged, country, row)).statistic, abs=2e-3
        )
        assert row["n_current"] == len(ages(logged, country, row))
    drifted = [row for row in found if row["verdict"] == "drift"]
    assert {row["segment"] for row in drifted} == {"", "country=FR"}
    assert all(row["details"].get("only_in") == ["country=FR"] for row in drifted if not row["segment"])
    (whole,) = [row for row in alerts if row["feature"] == "age" and not row["segment"]]
    assert whole["summary"].endswith(", only in country=FR")


def ages(logged: Any, country: str, row: dict[str, Any]) -> Any:
    """Give the raw values of a country in a row's window."""
    first, last = (
        int((row[name].timestamp() * 1000 - START_MS) // (HOUR_MS // PER_HOUR))
        for name in ("window_start", "window_end")
    )
    inside = logged.iloc[first:last]
    return inside[inside["country"] == country]["age"]
