"""Features that no longer go together, on a real Kafka and a real Postgres."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from detectors.dictionary import as_logged
from detectors.frames import columns_from_frame
from detectors.reconstruction import NAME
from detectors.reconstruction_fit import fitted
from detectors.reference_wire import decode
from tests.integration.running import run_to_the_end, topic_of, world
from tests.monitor.worlds import HOUR_MS, START_MS, payload
from tests.services.postgres_fixtures import Databases

HOURS, PER_HOUR, PARTITIONS = 4, 400, 3
MODEL = (
    '\nlateness = "5m"\nwindows_up_to = "2h"\n[models.loans.detectors]\nmultivariate = ["reconstruction"]\n'
)
FEATURES = ("income", "rent", "savings", "age")


def frame(rows: int, seed: int, breaks_at: int | None = None) -> pd.DataFrame:
    """Four features that go together, until rent comes loose at a row; some rows lack an age."""
    rng = np.random.default_rng(seed)
    values = np.sqrt(0.8) * rng.normal(size=(rows, 1)) + np.sqrt(0.2) * rng.normal(size=(rows, 4))
    if breaks_at is not None:
        values[breaks_at:, 1] = rng.normal(size=rows - breaks_at)
    found = pd.DataFrame(values.round(4), columns=list(FEATURES))
    found.loc[::10, "age"] = np.nan
    return found


@pytest.mark.integration
@pytest.mark.timeout(240)
def test_relations_that_break_are_found_and_told_though_no_feature_moved(
    kafka_bootstrap: str, postgres_databases: Databases, tmp_path: Path
) -> None:
    training = frame(3_000, seed=1)
    training.to_parquet(tmp_path / "training.parquet")
    logged = frame(HOURS * PER_HOUR, seed=2, breaks_at=2 * PER_HOUR)
    rows = [
        payload(f"r{i}", START_MS + i * (HOUR_MS // PER_HOUR), {str(name): row[name] for name in FEATURES})
        for i, row in enumerate(logged.astype(object).where(logged.notna(), None).to_dict("records"))
    ]
    topic = topic_of(kafka_bootstrap, rows, PARTITIONS)
    url = postgres_databases.empty()
    at = world(tmp_path, kafka_bootstrap, url, topic, tmp_path / "training.parquet", model=MODEL)
    run_to_the_end(at, len(rows), PARTITIONS)
    kept = at.store.active_reference("loans")
    assert kept is not None
    reference = decode(kept.payload)
    found = at.store.view("drift_history", where={"detector": "ks"}, newest_first=False)
    alerts = at.store.view("alert_history", newest_first=False)
    at.store.close_connections()
    columns = columns_from_frame(training, reference.dictionary)
    grids = {name: reference.grids[name] for name in FEATURES}
    before = fitted(as_logged(reference.dictionary), grids, columns, None).columns[NAME]
    assert reference.reconstruction is not None
    now = reference.reconstruction.added(grids, columns_from_frame(logged, reference.dictionary))[0][NAME]
    for row in (row for row in found if row["feature"] == NAME):
        first, last = (
            int((row[name].timestamp() * 1000 - START_MS) // (HOUR_MS // PER_HOUR))
            for name in ("window_start", "window_end")
        )
        window = now.take(slice(first, last)).present()
        assert row["statistic"] == pytest.approx(ks_2samp(before.present(), window).statistic, abs=1e-3)
        assert row["n_current"] == len(window) == (last - first) * 9 // 10
    drifted = {(row["feature"], row["window_start"].hour) for row in found if row["verdict"] == "drift"}
    assert {feature for feature, _ in drifted} == {NAME}
    assert {hour for _, hour in drifted} >= {2, 3}
    (alert,) = alerts
    assert alert["summary"].startswith("features no longer go together as they did: error 0.9")
    assert ", most of rent " in alert["summary"]
