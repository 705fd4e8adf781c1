"""Messages that inflate to far more than they look, on a real Kafka: little memory, nothing lost."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from kafka import KafkaProducer

from monitor.source.base import TopicPartition
from tests.integration.running import World, position, service, topic_of, world
from tests.monitor.worlds import HOUR_MS, START_MS, log, payload, training_frame
from tests.services.postgres_fixtures import Databases
from tests.services.waiting import until

MEGABYTE = 1 << 20
LONG_ROWS = 150
MEMORY = 260 * MEGABYTE
"""What reading bombs may take beside what plain messages took: the bounds of a poll, and what copies them."""


def produce(bootstrap: str, topic: str, values: Iterable[bytes], compression: str) -> None:
    """Put the values into as few batches as the broker takes."""
    producer = KafkaProducer(
        bootstrap_servers=bootstrap,
        compression_type=compression,
        max_request_size=1 << 30,
        batch_size=1 << 30,
        linger_ms=2_000,
    )
    for value in values:
        producer.send(topic, value, partition=0)
    producer.flush()
    producer.close()


def long_rows() -> list[bytes]:
    """Rows of a megabyte each, of which all but a hundred bytes are spaces: usable, and almost too long."""
    features = {"age": 40.0, "country": "DE", "owner": True}
    row = payload("long", START_MS + HOUR_MS, features)
    return [row + b" " * (MEGABYTE - len(row))] * LONG_ROWS


def most_memory(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024


def read_to(at: World, messages: int) -> int:
    """Run until so many are committed; give the most memory that was used."""
    with service(at) as process:
        until(
            lambda: process.poll() is not None or position(at, 1) >= messages,
            f"{messages} messages committed",
            180,
            0.2,
        )
        assert process.poll() is None, at.log.read_text()[-3_000:]
        most = most_memory(process.pid)
        process.terminate()
        assert process.wait(20) == 0, at.log.read_text()[-3_000:]
    return most


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.timeout(420)
@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_quarter_gigabyte_in_a_quarter_megabyte_is_read_in_little_memory(
    compression: str, kafka_bootstrap: str, postgres_databases: Databases, tmp_path: Path
) -> None:
    training = tmp_path / "training.parquet"
    training_frame().to_parquet(training)
    plain = log(hours=1, per_hour=100)
    topic = topic_of(kafka_bootstrap, plain, 1)
    at = world(tmp_path, kafka_bootstrap, postgres_databases.empty(), topic, training)
    before = read_to(at, len(plain))
    produce(kafka_bootstrap, topic, [b"{" + b" " * (128 * MEGABYTE)], compression)
    produce(kafka_bootstrap, topic, long_rows(), compression)
    produce(kafka_bootstrap, topic, plain, compression)
    total = 2 * len(plain) + 1 + LONG_ROWS
    most = read_to(at, total)
    rejects, cursors = at.store.view("rejects"), at.store.cursors([TopicPartition(topic, 0)])
    at.store.close_connections()
    assert [(row["reason"], row["message_offset"]) for row in rejects] == [("too_large", len(plain))]
    assert cursors == {TopicPartition(topic, 0): total}
    assert most - before < MEMORY, f"{most - before:,} bytes more than the {before:,} of plain messages"
