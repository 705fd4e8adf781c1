"""What one poll brings is bounded in bytes, and a batch that cannot be read does not stop the process."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.record.default_records import DefaultRecordBatch

from monitor.broker import EmbeddedBroker
from monitor.errors import SourceError
from monitor.source.base import Message, TopicPartition
from monitor.source.kafka import KafkaSource, batches
from monitor.topics import Topics
from tests.services.source_worlds import KafkaWorld
from tests.services.waiting import until

MEGABYTE = 1 << 20


@pytest.fixture
def world() -> Iterator[KafkaWorld]:
    with EmbeddedBroker() as broker:
        made = KafkaWorld(broker.bootstrap)
        yield made
        made.close()


def reading(world: KafkaWorld, at: TopicPartition, max_poll_bytes: int = 1 << 26) -> KafkaSource:
    source = KafkaSource(
        [world.bootstrap], f"g-{at.topic}", topics=Topics((at.topic,)), max_poll_bytes=max_poll_bytes
    )
    until(lambda: at in source.poll(0.5, 1).assigned, "the assignment", 60)
    source.seek({at: 0})
    return source


def test_a_poll_ends_where_it_has_brought_enough_and_the_next_goes_on(world: KafkaWorld) -> None:
    at = TopicPartition(world.topic(), 0)
    world.produce(at, [Message(i, b"v" * 100_000) for i in range(60)], "gzip")
    source = reading(world, at, max_poll_bytes=MEGABYTE)
    offsets: list[int] = []
    while len(offsets) < 60:
        for chunk in source.poll(5.0, 10_000).chunks:
            assert sum(len(record.value or b"") for record in chunk.records) < MEGABYTE + 100_001
            offsets += [record.offset for record in chunk.records]
    source.close()
    assert offsets == list(range(60))


def test_a_batch_that_cannot_be_read_is_told_at_every_poll_and_read_once_it_can_be(
    world: KafkaWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = TopicPartition(world.topic(), 0)
    world.produce(at, [Message(i, b"first") for i in range(3)])
    world.produce(at, [Message(i, b"second" * 100) for i in range(3)], "gzip")
    source = reading(world, at)
    opened = batches.opened

    def broken(batch: DefaultRecordBatch) -> Any:
        raise gzip.BadGzipFile(f"not at {batch.base_offset}")

    monkeypatch.setattr(batches, "opened", broken)
    offsets: list[int] = []
    failures = 0
    for _ in range(200):
        try:
            offsets += [record.offset for chunk in source.poll(0.2, 1_000).chunks for record in chunk.records]
        except SourceError as error:
            failures += "batch at offset 3 cannot be read: BadGzipFile" in str(error)
        if failures == 3:
            monkeypatch.setattr(batches, "opened", opened)
        if len(offsets) == 6:
            break
    source.close()
    assert offsets == [0, 1, 2, 3, 4, 5]
    assert failures >= 3


@pytest.mark.integration
@pytest.mark.parametrize("codec", ["gzip", "lz4", "snappy", "zstd"])
def test_every_compression_of_a_real_broker_is_read(codec: str, kafka_bootstrap: str) -> None:
    world = KafkaWorld(kafka_bootstrap)
    at = TopicPartition(f"{world.topic()}-{codec}", 0)
    admin = KafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    admin.create_topics([NewTopic(at.topic, 1, 1, topic_configs={"compression.type": codec})])
    admin.close()
    world.produce(at, [Message(i, b"%d" % i * 500, headers=(("h", b"x"),)) for i in range(300)])
    source = reading(world, at)
    values: list[bytes | None] = []
    while len(values) < 300:
        values += [record.value for chunk in source.poll(5.0, 1_000).chunks for record in chunk.records]
    source.close()
    world.close()
    assert values == [b"%d" % i * 500 for i in range(300)]
