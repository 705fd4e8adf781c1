"""What Kafka may do to a reader: every fault ends with the rows of a quiet run, or says what is missing."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

import msgspec
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka import TopicPartition as KafkaPartition
from kafka.admin import NewTopic

from monitor.source.base import TopicPartition
from tests.integration.running import (
    World,
    is_done,
    position,
    results,
    run_to_the_end,
    send_to,
    service,
    topic_of,
    world,
)
from tests.monitor.worlds import log, training_frame
from tests.services.kafka_cluster import KafkaCluster
from tests.services.kafka_server import KafkaServer
from tests.services.postgres_fixtures import Databases
from tests.services.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(300)]

HOURS, PER_HOUR, PARTITIONS = 12, 300, 3
ROWS = HOURS * PER_HOUR
VIEWS = ("drift_history", "quality_history", "window_history", "alert_history", "rejects", "gaps")
BY_ROWS = ("drift_history", "window_history", "alert_history")  # which rows quality samples goes by offsets
MODEL = '\nlateness = "5m"\nwindows_up_to = "4h"\n'
SMALL_BITES = {
    "DRIFTD__KAFKA__MAX_POLL_RECORDS": "40",
    "DRIFTD__KAFKA__OPTIONS__MAX_PARTITION_FETCH_BYTES": "4096",
    "DRIFTD__KAFKA__OPTIONS__METADATA_MAX_AGE_MS": "1000",
    "DRIFTD__LIMITS__BATCH_ROWS": "40",
}
AWAY = "waiting for what is away"


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kafka-faults") / "training.parquet"
    training_frame(rows=5_000).to_parquet(path)
    return path


@pytest.fixture(scope="module")
def rows() -> list[bytes]:
    return log(hours=HOURS, per_hour=PER_HOUR, shift_from_hour=8.0)


@pytest.fixture(scope="module")
def url(postgres_databases: Databases) -> str:
    return postgres_databases.empty()


@contextmanager
def running(at: World, **environ: str) -> Iterator[Popen[bytes]]:
    """Run the service in small bites, and stop it well at the end."""
    with service(at, environ=SMALL_BITES | environ) as process:
        yield process
        assert process.poll() is None, told(at)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, told(at)


def told(at: World) -> str:
    return at.log.read_text() if at.log.exists() else ""


def read_on(at: World, partitions: int = PARTITIONS, by: int = 100) -> None:
    """Wait until so many more messages are committed."""
    begun = position(at, partitions)
    until(lambda: position(at, partitions) >= begun + by, "messages are read", 90, 0.02)


def ended(at: World, messages: int, partitions: int = PARTITIONS) -> None:
    until(lambda: is_done(at, messages, partitions), "everything committed and judged", 90, 0.1)


def hold_windows(at: World) -> None:
    """Let no partition count as idle: a window ends when all have passed it."""
    at.config.write_text(at.config.read_text().replace('idle_after = "1s"', 'idle_after = "1h"'))


def compare(found: World, expected: World, views: Sequence[str] = VIEWS) -> None:
    one, other = results(found.store, views), results(expected.store, views)
    for at in (found, expected):
        at.store.close_connections()
    assert any(dict(row)["verdict"] == "drift" for row in other["drift_history"])
    for view in views:
        assert one[view] == other[view], view


def test_a_broker_that_is_away_at_start_and_goes_while_it_is_read(
    kafka_bootstrap: str, url: str, training: Path, rows: list[bytes], tmp_path: Path
) -> None:
    del kafka_bootstrap  # skips or fails when there is no Kafka here
    with KafkaServer() as server:
        topic = topic_of(server.bootstrap, rows, PARTITIONS)
        quiet = world(tmp_path, server.bootstrap, url, topic, training, model=MODEL)
        run_to_the_end(quiet, ROWS, PARTITIONS)
        at = world(tmp_path, server.bootstrap, url, topic, training, model=MODEL)
        server.stop()
        with running(at):
            until(lambda: AWAY in told(at), "told that Kafka is away", 90)
            server.start()
            read_on(at)
            before = told(at).count(AWAY)
            server.stop()
            stands_at = position(at, PARTITIONS)
            until(lambda: told(at).count(AWAY) > before, "told that Kafka is away again", 90)
            server.start()
            until(lambda: position(at, PARTITIONS) > stands_at, "reading goes on", 90)
            ended(at, ROWS)
        assert told(at).count('"event":"back after an outage"') == 1  # the start was no outage
        compare(at, quiet)


def test_leaders_that_change_in_a_cluster(
    kafka_bootstrap: str, url: str, training: Path, rows: list[bytes], tmp_path: Path
) -> None:
    """First the leader of a partition goes, then, when that is back, the coordinator of the group."""
    del kafka_bootstrap
    with KafkaCluster() as cluster:
        topic = topic_of(cluster.bootstrap, rows, PARTITIONS, replicas=3)
        quiet = world(tmp_path, cluster.bootstrap, url, topic, training, model=MODEL)
        run_to_the_end(quiet, ROWS, PARTITIONS)
        at = world(tmp_path, cluster.bootstrap, url, topic, training, model=MODEL)
        cluster.wait_for_replicas(topic)
        with running(at):
            read_on(at)
            leader = cluster.leaders(topic)[0]
            cluster.brokers[leader].stop()
            read_on(at)
            until(lambda: cluster.leaders(topic)[0] != leader, "another broker leads", 90, 0.2)
            cluster.brokers[leader].start()
            cluster.wait_for_replicas(topic)
            cluster.wait_for_replicas("__consumer_offsets")
            cluster.brokers[cluster.leaders("__consumer_offsets")[0]].stop()
            ended(at, ROWS)
        compare(at, quiet)


def test_offsets_that_expire_are_a_recorded_gap(
    kafka_bootstrap: str, url: str, training: Path, rows: list[bytes], tmp_path: Path
) -> None:
    topic = topic_of(kafka_bootstrap, rows, PARTITIONS)
    at = world(tmp_path, kafka_bootstrap, url, topic, training, model=MODEL)
    with running(at):
        read_on(at)
    begin = at.store.cursors([TopicPartition(topic, 0)])[TopicPartition(topic, 0)]
    end = begin + 300
    admin = KafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    admin.delete_records({KafkaPartition(topic, 0): end})
    admin.close()
    with running(at):
        ended(at, ROWS)
    (gap,) = at.store.view("gaps")
    assert (gap["topic"], gap["partition"]) == (topic, 0)
    assert (gap["first_lost"], gap["next_available"]) == (begin, end)
    kept = [row for i, row in enumerate(rows) if i % PARTITIONS or not begin <= i // PARTITIONS < end]
    places = [i % PARTITIONS for i in range(ROWS) if i % PARTITIONS or not begin <= i // PARTITIONS < end]
    lesser = topic_of(kafka_bootstrap, kept, PARTITIONS, places)
    quiet = world(tmp_path, kafka_bootstrap, url, lesser, training, model=MODEL)
    run_to_the_end(quiet, ROWS - 300, PARTITIONS)
    compare(at, quiet, BY_ROWS)


def test_a_topic_that_is_deleted_and_made_anew_is_read_from_its_beginning(
    kafka_bootstrap: str, url: str, training: Path, rows: list[bytes], tmp_path: Path
) -> None:
    before, after = rows[: 9 * PER_HOUR], rows[9 * PER_HOUR :]
    topic = topic_of(kafka_bootstrap, before, PARTITIONS)
    at = world(tmp_path, kafka_bootstrap, url, topic, training, model=MODEL)
    hold_windows(at)
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    admin = KafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    with running(at):
        until(lambda: position(at, PARTITIONS) == len(before), "the first topic is read", 90)
        admin.delete_topics([topic])
        until(lambda: topic not in admin.list_topics(), "the topic is gone", 60)
        admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
        send_to(kafka_bootstrap, topic, after, PARTITIONS)
        until(lambda: position(at, PARTITIONS) == len(after), "the new topic is read", 90)
    admin.close()
    gaps = at.store.view("gaps")
    assert {gap["first_lost"] for gap in gaps} == {len(before) // PARTITIONS}
    assert [gap["next_available"] for gap in gaps] == [0] * PARTITIONS
    assert at.store.cursors(partitions) == dict.fromkeys(partitions, len(after) // PARTITIONS)
    whole = topic_of(kafka_bootstrap, rows, PARTITIONS)
    quiet = world(tmp_path, kafka_bootstrap, url, whole, training, model=MODEL)
    hold_windows(quiet)
    with running(quiet):
        until(lambda: position(quiet, PARTITIONS) == ROWS, "all is read", 90)
    compare(at, quiet, BY_ROWS)


def test_messages_of_10_mb_are_rejected_or_counted_as_the_limit_says(
    kafka_bootstrap: str, url: str, training: Path, rows: list[bytes], tmp_path: Path
) -> None:
    topic = topic_of(kafka_bootstrap, [], 1, max_message_bytes=12_000_000)
    few = rows[:200]
    large = {
        number: msgspec.json.decode(few[number]) | {"note": "x" * 10_000_000} for number in (50, 100, 150)
    }
    producer = KafkaProducer(bootstrap_servers=kafka_bootstrap, max_request_size=12_000_000)
    for number, value in enumerate(few):
        producer.send(topic, msgspec.json.encode(large[number]) if number in large else value)
    producer.close()
    lesser = world(tmp_path, kafka_bootstrap, url, topic, training, model=MODEL)
    larger = world(tmp_path, kafka_bootstrap, url, topic, training, model=MODEL)
    with running(lesser), running(larger, DRIFTD__LIMITS__MAX_MESSAGE_BYTES="16000000"):
        ended(lesser, 200, 1)
        ended(larger, 200, 1)
    rejects = lesser.store.view("rejects")
    assert [
        (row["message_offset"], row["reason"]) for row in sorted(rejects, key=lambda r: r["message_offset"])
    ] == [(number, "too_large") for number in large]
    assert larger.store.view("rejects") == []
    counted = [sum(row["rows"] for row in at.store.view("window_history")) for at in (lesser, larger)]
    assert counted == [197, 200]
    for at in (lesser, larger):
        at.store.close_connections()


def test_a_burst_of_poison_stops_the_service_and_costs_no_row_once_it_is_let_through(
    kafka_bootstrap: str, url: str, training: Path, rows: list[bytes], tmp_path: Path
) -> None:
    half, poison = ROWS // 2, [b"\xff{poison"] * 3_000
    topic = topic_of(kafka_bootstrap, [*rows[:half], *poison, *rows[half:]], PARTITIONS)
    messages = ROWS + len(poison)
    at = world(tmp_path, kafka_bootstrap, url, topic, training, model=MODEL)
    for _ in range(2):  # a restart alone does not help
        with service(at, environ=SMALL_BITES) as process:
            assert process.wait(90) == 1, told(at)
        assert "messages could not be used (not_utf8)" in " ".join(told(at).split())
        assert position(at, PARTITIONS) < half + len(poison)
    through = {"DRIFTD__LIMITS__MAX_REJECTED_SHARE": "1.0"}
    with running(at, **through):
        ended(at, messages)
    assert len(at.store.view("rejects")) == len(poison)
    quiet = world(tmp_path, kafka_bootstrap, url, topic, training, model=MODEL)
    with running(quiet, **through):
        ended(quiet, messages)
    assert sum(row["rows"] for row in quiet.store.view("window_history")) == ROWS
    compare(at, quiet, VIEWS[:4])
