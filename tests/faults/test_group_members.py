"""Members of a group with names of their own, under the cooperative protocol."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from subprocess import Popen

import pytest
from kafka import KafkaAdminClient
from kafka.admin import NewPartitions

from monitor.source.base import TopicPartition
from tests.integration.running import (
    World,
    position,
    results,
    run_to_the_end,
    send_to,
    service,
    topic_of,
    world,
)
from tests.monitor.worlds import log, training_frame
from tests.services.postgres_fixtures import Databases
from tests.services.waiting import until

HOURS, PER_HOUR, PARTITIONS = 9, 240, 4
MORE_PARTITIONS = 6
VIEWS = ("drift_history", "quality_history", "window_history", "alert_history", "gaps")
STICKY = {
    "DRIFTD__KAFKA__OPTIONS__PARTITION_ASSIGNMENT_STRATEGY": "cooperative-sticky",
    "DRIFTD__KAFKA__OPTIONS__SESSION_TIMEOUT_MS": "40000",
    "DRIFTD__KAFKA__OPTIONS__HEARTBEAT_INTERVAL_MS": "300",
    "DRIFTD__KAFKA__OPTIONS__METADATA_MAX_AGE_MS": "1000",
}
CHANGED = '"event":"partitions changed"'


@contextmanager
def member(at: World, name: str) -> Iterator[Popen[bytes]]:
    """Run a process with a name of its own, which logs to a file of its own."""
    own = STICKY | {"DRIFTD__KAFKA__OPTIONS__GROUP_INSTANCE_ID": name}
    with service(replace(at, log=log_of(at, name)), environ=own) as process:
        yield process


def log_of(at: World, name: str) -> Path:
    return at.log.with_suffix(f".{name}.log")


def changes(at: World, name: str) -> int:
    path = log_of(at, name)
    return path.read_text().count(CHANGED) if path.exists() else 0


@pytest.mark.integration
@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_named_process_that_restarts_is_not_noticed_and_new_partitions_are_read_after_it(
    kafka_bootstrap: str, postgres_databases: Databases, tmp_path: Path
) -> None:
    training = tmp_path / "training.parquet"
    training_frame(rows=5_000).to_parquet(training)
    url = postgres_databases.empty()
    rows = log(hours=HOURS, per_hour=PER_HOUR, shift_from_hour=6.0)
    parts = [rows[n * len(rows) // 3 : (n + 1) * len(rows) // 3] for n in range(3)]
    topic = topic_of(kafka_bootstrap, parts[0], PARTITIONS)
    at, quiet = (world(tmp_path, kafka_bootstrap, url, topic, training) for _ in range(2))
    at.config.write_text(at.config.read_text().replace('idle_after = "1s"', 'idle_after = "1h"'))
    with ExitStack() as stack, ExitStack() as other:
        stack.enter_context(member(at, "a"))
        until(lambda: position(at, PARTITIONS) == len(parts[0]), "the first third is read", 90)
        other.enter_context(member(at, "b"))
        until(lambda: changes(at, "b") > 0 and changes(at, "a") > 1, "both have partitions", 90)
        noticed, began = changes(at, "b"), changes(at, "a")
        stack.close()  # kills it
        stack.enter_context(member(at, "a"))
        until(lambda: changes(at, "a") > began, "it has its partitions again", 90)
        send_to(kafka_bootstrap, topic, parts[1], PARTITIONS)
        until(lambda: position(at, PARTITIONS) == len(parts[0] + parts[1]), "the second third is read", 90)
        assert changes(at, "b") == noticed
        admin = KafkaAdminClient(bootstrap_servers=kafka_bootstrap)
        admin.create_partitions({topic: NewPartitions(MORE_PARTITIONS)})
        admin.close()
        fresh = [TopicPartition(topic, number) for number in range(PARTITIONS, MORE_PARTITIONS)]
        until(lambda: len(at.store.cursors(fresh)) == len(fresh), "new partitions are read", 90)
        send_to(kafka_bootstrap, topic, parts[2], MORE_PARTITIONS)
        until(lambda: position(at, MORE_PARTITIONS) == len(rows), "all is read", 90)
    at.config.write_text(at.config.read_text().replace('idle_after = "1h"', 'idle_after = "1s"'))
    for each in (at, quiet):
        run_to_the_end(each, len(rows), MORE_PARTITIONS)
    found, expected = results(at.store, VIEWS), results(quiet.store, VIEWS)
    for each in (at, quiet):
        each.store.close_connections()
    assert sum(dict(row)["rows"] for row in found["window_history"]) == len(rows)
    for view in VIEWS:
        assert found[view] == expected[view], view
