"""One partition hundreds of windows ahead of another one, on a real Kafka and a real Postgres."""

from __future__ import annotations

import re
import signal
from http.client import HTTPConnection
from pathlib import Path

import pytest

from monitor.source.base import TopicPartition
from tests.integration.running import World, position, results, send_to, service, topic_of, world
from tests.monitor.worlds import log, training_frame
from tests.services.postgres import free_port
from tests.services.postgres_fixtures import Databases
from tests.services.waiting import until

WINDOWS, A_WINDOW = 300, 4
ROWS = log(hours=WINDOWS, per_hour=A_WINDOW, shift_from_hour=270.0)
VIEWS = ("drift_history", "quality_history", "window_history", "alert_history")
MODEL = '\nlateness = "5m"\nwindows_up_to = "1h"\nmin_rows = 3\n[models.loans.detectors]\ndistances = []\n'


def value(address: str, name: str) -> float:
    """Give a metric's value."""
    connection = HTTPConnection(address, timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    found = re.search(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
    assert found is not None, f"{name} is not in\n{text}"
    return float(found[1])


def judged(at: World, messages: int) -> bool:
    """Whether all is read, and every window that event time has passed in both partitions is judged."""
    if position(at, 2) < messages:
        return False
    with at.store.lock("loans") as lock:
        return lock is not None and len(lock.open_starts()) <= 1


def read(at: World, messages: int) -> None:
    with service(at) as process:
        until(lambda: process.poll() is not None or judged(at, messages), "everything judged", 180, 0.5)
        assert process.poll() is None, at.log.read_text()[-3_000:]
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, at.log.read_text()[-3_000:]


@pytest.mark.integration
@pytest.mark.long
@pytest.mark.timeout(420)
def test_hundreds_of_windows_ahead_take_no_memory_and_change_no_result(
    kafka_bootstrap: str, postgres_databases: Databases, tmp_path: Path
) -> None:
    training = tmp_path / "training.parquet"
    training_frame(rows=2_000).to_parquet(training)
    url = postgres_databases.empty()
    limit = "[limits]\nwindow_bytes = 16_777_216\n"
    calm_topic = topic_of(kafka_bootstrap, ROWS, 2)
    calm = world(tmp_path, kafka_bootstrap, url, calm_topic, training, model=MODEL)
    uneven_topic = topic_of(kafka_bootstrap, ROWS[0::2], 2, iter(lambda: 0, 1))
    uneven = world(tmp_path, kafka_bootstrap, url, uneven_topic, training, model=MODEL)
    address = f"127.0.0.1:{free_port()}"
    for at in (calm, uneven):
        text = at.config.read_text()
        text = text.replace('idle_after = "1s"', 'idle_after = "1h"').replace(
            'http = ""', f'http = "{address}"'
        )
        at.config.write_text(text.replace("[limits]\n", limit))
    read(calm, len(ROWS))
    with service(uneven) as process:
        half = len(ROWS[0::2])
        until(lambda: process.poll() is not None or position(uneven, 2) == half, "the one partition", 90, 0.5)
        assert process.poll() is None, uneven.log.read_text()[-3_000:]
        ahead = uneven.store.open_windows([TopicPartition(uneven_topic, 0)])
        assert len(ahead) == WINDOWS
        assert value(address, "driftd_open_windows") <= 2
        assert value(address, "driftd_open_window_bytes") <= 8_388_608
        assert not uneven.store.view("window_history")
    send_to(kafka_bootstrap, uneven_topic, ROWS[1::2], 2, iter(lambda: 1, 0))
    read(uneven, len(ROWS))
    expected, found = results(calm.store, VIEWS), results(uneven.store, VIEWS)
    for at in (calm, uneven):
        at.store.close_connections()
    assert len(found["window_history"]) == WINDOWS - 1
    for view in VIEWS:
        assert found[view] == expected[view], view
