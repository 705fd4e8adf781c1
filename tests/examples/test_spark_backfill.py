"""The example for Spark, on a Spark of this machine: `make test-spark`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.clock import SystemClock
from monitor.config import load
from monitor.references import built, stored
from monitor.replaying import replay_files
from monitor.store.base import Store
from monitor.store.sql import open_store
from monitor.telling import Speaking
from tests.data import car_loan
from tests.monitor.test_backfill import CONFIG, VIEWS, rows_of

SCRIPT = Path(__file__).parents[2] / "examples" / "spark_backfill.py"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_history_filled_in_by_spark_is_that_of_a_replay(tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="PySpark is not installed: make test-spark")
    frame = car_loan.dirty("analysis").iloc[20_000:30_000]
    parts = [tmp_path / f"rows-{i}.parquet" for i in range(4)]
    for i, part in enumerate(parts):
        frame.iloc[i::4].to_parquet(part)  # every window is in every file
    whole = tmp_path / "whole.parquet"
    frame.to_parquet(whole)
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.replace("sqlite://", f"sqlite:///{tmp_path}/spark.sqlite"))
    loaded = load(config, {}).config
    training = car_loan.write_dirty("reference", tmp_path)
    reference = built("car_loan", loaded.models["car_loan"], training, SystemClock().now())
    by_spark = _store(loaded.database.url.reveal())
    by_spark.add_reference(stored(reference, active=True))
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--config", str(config), "car_loan", *map(str, parts)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"},
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    assert "windows judged" in done.stdout
    replayed = _store("sqlite://")
    replay_files(loaded, "car_loan", reference, [whole], replayed, SystemClock(), Speaking())
    for view in VIEWS:
        assert rows_of(by_spark, view) == rows_of(replayed, view), view
    for store in (by_spark, replayed):
        store.close_connections()


def _store(url: str) -> Store:
    store = open_store(url)
    store.upgrade_schema()
    return store
