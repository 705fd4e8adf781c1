from __future__ import annotations

import random
import threading
from functools import partial
from pathlib import Path

import pytest

from tests.integration.running import World, position, results, run_to_the_end, service, topic_of, world
from tests.monitor.worlds import log, training_frame
from tests.services.postgres_fixtures import Databases
from tests.services.waiting import until

ROWS, PARTITIONS, KILLS = 100_000, 4, 10
VIEWS = ("drift_history", "quality_history", "window_history", "alert_history")
LIMITS = '\nlateness = "5m"\nwindows_up_to = "4h"\nsegments = ["country"]\n'


@pytest.mark.integration
@pytest.mark.long
@pytest.mark.timeout(420)
def test_killed_ten_times_at_random_the_results_are_those_of_an_undisturbed_run(
    kafka_bootstrap: str, postgres_databases: Databases, tmp_path: Path
) -> None:
    training = tmp_path / "training.parquet"
    frame = training_frame(rows=5_000)
    frame.to_parquet(training)
    rows = log(hours=20, per_hour=ROWS // 20, shift_from_hour=12.0)
    topic = topic_of(kafka_bootstrap, rows, PARTITIONS)
    url = postgres_databases.empty()
    calm = world(tmp_path, kafka_bootstrap, url, topic, training, model=LIMITS)
    run_to_the_end(calm, ROWS, PARTITIONS)
    stormy = world(tmp_path, kafka_bootstrap, url, topic, training, model=LIMITS)
    rng = random.Random(20261123)
    killed = 0
    while killed < KILLS:
        begun = position(stormy, PARTITIONS)
        with service(stormy) as process:
            until(partial(_has_moved, stormy, begun), "a commit", 60, 0.02)
            threading.Event().wait(rng.uniform(0.0, 0.3))
            assert process.poll() is None, stormy.log.read_text()[-3_000:]
            process.kill()
            killed += 1
    run_to_the_end(stormy, ROWS, PARTITIONS)
    expected, found = results(calm.store, VIEWS), results(stormy.store, VIEWS)
    assert sum(dict(row)["rows"] for row in found["window_history"]) == ROWS
    assert any(dict(row)["verdict"] == "drift" for row in found["drift_history"])
    calm.store.close_connections()
    stormy.store.close_connections()
    for view in VIEWS:
        assert found[view] == expected[view], view


def _has_moved(at: World, begun: int) -> bool:
    return begun == ROWS or position(at, PARTITIONS) > begun
