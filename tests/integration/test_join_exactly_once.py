"""Killed again and again while predictions and labels meet, a service joins every pair once."""

from __future__ import annotations

import random
import threading
from functools import partial
from pathlib import Path

import pytest

from tests.integration.labelled import labelled_log, labelled_world, read, run_until_settled, two_topics
from tests.integration.running import World, results, service
from tests.monitor.labelled_worlds import rows_of_hours
from tests.monitor.worlds import HOUR_MS, START_MS
from tests.services.postgres_fixtures import Databases
from tests.services.waiting import until

HOURS, PER_HOUR, KILLS = 24, 1_000, 8
VIEWS = ("performance_history", "label_history", "drift_history", "quality_history", "window_history")
MODEL = """
window = "1h"
windows_up_to = "4h"
labels_wait = "2d"
[models.loans.concept]
signals = ["loss", "bias", "score", "nulls"]
"""


@pytest.mark.integration
@pytest.mark.long
@pytest.mark.timeout(420)
def test_killed_during_the_join_every_metric_is_that_of_an_undisturbed_run(
    kafka_bootstrap: str, postgres_databases: Databases, tmp_path: Path
) -> None:
    training = tmp_path / "training.parquet"
    frame = rows_of_hours(20, 500, 1, lambda _: 0.1)
    frame["timestamp"] = frame.pop("time_ms") - 1_000 * HOUR_MS
    frame.to_parquet(training)
    predictions, labels = labelled_log(HOURS, PER_HOUR)
    topics = two_topics(kafka_bootstrap, predictions, labels)
    total = len(predictions) + len(labels)
    url = postgres_databases.empty()
    calm = labelled_world(tmp_path, kafka_bootstrap, url, topics, training, MODEL)
    run_until_settled(calm, topics, total)
    stormy = labelled_world(tmp_path, kafka_bootstrap, url, topics, training, MODEL)
    rng = random.Random(20261124)
    for _ in range(KILLS):
        begun = read(stormy, topics)
        with service(stormy) as process:
            until(partial(_has_moved, stormy, topics, begun, total), "a commit", 60, 0.02)
            threading.Event().wait(rng.uniform(0.0, 0.3))
            assert process.poll() is None, stormy.log.read_text()[-3_000:]
            process.kill()
    run_until_settled(stormy, topics, total)
    expected, found = results(calm.store, VIEWS), results(stormy.store, VIEWS)
    calm.store.close_connections()
    stormy.store.close_connections()
    counted = [dict(row) for row in found["label_history"]]
    assert sum(row["labelled"] for row in counted) == HOURS * PER_HOUR * 499 // 500
    assert all(sum(row[name] for row in counted) for name in ("duplicates", "corrected", "unmatched"))
    assert int(min(row["window_start"] for row in counted).timestamp() * 1000) == START_MS
    stepped = {dict(row)["feature"] for row in found["drift_history"] if dict(row)["detector"] == "adwin"}
    assert stepped == {"loss", "bias", "mean of score", "nulls of age", "nulls of country"}
    for view in VIEWS:
        assert _stable(found[view]) == _stable(expected[view]), view


def _stable(rows: list[tuple[tuple[str, object], ...]]) -> list[tuple[tuple[str, object], ...]]:
    """Without how often a result was revised, which depends on when labels were read."""
    return [tuple(pair for pair in row if pair[0] != "revision") for row in rows]


def _has_moved(at: World, topics: tuple[str, str], begun: int, total: int) -> bool:
    return begun == total or read(at, topics) > begun
