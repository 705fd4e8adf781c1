"""Brokers of every kind behind one small interface: one suite holds all sources to the contract."""

from __future__ import annotations

import contextlib
import itertools
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka import TopicPartition as KafkaPartition
from kafka.admin import NewPartitions, NewTopic

from monitor.clock import SystemClock
from monitor.source.base import Message, Polled, Record, Source, TopicPartition
from monitor.source.clients import ClientName, client_of
from monitor.source.memory import MemoryBroker, MemorySource
from monitor.topics import Topics


class World(Protocol):
    """A broker with what a test may do to it; every topic and group it names is new."""

    def topic(self, partitions: int = 1, name: str = "") -> str: ...
    def widen(self, topic: str, partitions: int) -> None: ...
    def produce(
        self, partition: TopicPartition, messages: Sequence[Message], compression: str | None = None
    ) -> None: ...
    def source(self, topics: str | Sequence[str], group_id: str = "", **options: Any) -> Source: ...
    def trim(self, partition: TopicPartition, before: int) -> None: ...
    def committed(self, group_id: str, partition: TopicPartition) -> int | None: ...
    def close(self) -> None: ...


class MemoryWorld:
    def __init__(self, broker: MemoryBroker | None = None) -> None:
        self.broker = broker or MemoryBroker(is_waiting=True)
        self._numbers = itertools.count()

    def topic(self, partitions: int = 1, name: str = "") -> str:
        name = name or f"topic-{next(self._numbers)}"
        self.broker.create(name, partitions)
        return name

    def widen(self, topic: str, partitions: int) -> None:
        self.broker.create(topic, partitions)

    def produce(
        self, partition: TopicPartition, messages: Sequence[Message], compression: str | None = None
    ) -> None:
        assert compression in {None, "gzip"}
        for message in messages:
            self.broker.append(
                partition,
                message.value,
                key=message.key,
                timestamp=message.timestamp,
                headers=message.headers,
            )

    def source(self, topics: str | Sequence[str], group_id: str = "", **options: Any) -> Source:
        assert not options or set(options) <= {"partition_assignment_strategy", "metadata_max_age_ms"}
        return MemorySource(self.broker, _entries(topics), group_id or f"group-{next(self._numbers)}")

    def trim(self, partition: TopicPartition, before: int) -> None:
        self.broker.trim(partition, before)

    def committed(self, group_id: str, partition: TopicPartition) -> int | None:
        return self.broker.committed.get((group_id, partition))

    def close(self) -> None:
        pass


class KafkaWorld:
    """Any broker that speaks Kafka's protocol."""

    def __init__(self, bootstrap: str, client: ClientName = "kafka-python") -> None:
        self.bootstrap = bootstrap
        self.client = client_of(client)
        self.is_librdkafka = client == "librdkafka"
        self._open = contextlib.ExitStack()
        self._admin: Any = KafkaAdminClient(bootstrap_servers=bootstrap)
        self._open.callback(self._admin.close)
        self._producers: dict[str | None, Any] = {}

    def topic(self, partitions: int = 1, name: str = "") -> str:
        name = name or f"topic-{uuid.uuid4().hex[:12]}"
        self._admin.create_topics([NewTopic(name, partitions, 1)])
        return name

    def widen(self, topic: str, partitions: int) -> None:
        self._admin.create_partitions({topic: NewPartitions(partitions)})
        self._producers.clear()  # those would not know the new partition for minutes

    def delete(self, topic: str) -> None:
        self._admin.delete_topics([topic])

    def produce(
        self, partition: TopicPartition, messages: Sequence[Message], compression: str | None = None
    ) -> None:
        producer = self._producer(compression)
        sent = [
            producer.send(
                partition.topic,
                message.value,
                key=message.key,
                headers=list(message.headers),
                partition=partition.partition,
                timestamp_ms=message.timestamp if message.timestamp >= 0 else None,
            )
            for message in messages
        ]
        producer.flush(20)
        for future in sent:
            future.get(20)

    def source(self, topics: str | Sequence[str], group_id: str = "", **options: Any) -> Source:
        group = group_id or f"group-{uuid.uuid4().hex[:12]}"
        if self.is_librdkafka and "metadata_max_age_ms" in options:
            options["topic.metadata.refresh.interval.ms"] = options.pop("metadata_max_age_ms")
        source = self.client.source([self.bootstrap], group, topics=Topics(_entries(topics)), options=options)
        self._open.callback(source.close)
        return source

    def trim(self, partition: TopicPartition, before: int) -> None:
        self._admin.delete_records({KafkaPartition(*partition): before})

    def committed(self, group_id: str, partition: TopicPartition) -> int | None:
        consumer: Any = KafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=group_id, enable_auto_commit=False
        )
        try:
            offset: int | None = consumer.committed(KafkaPartition(*partition))
            return offset
        finally:
            consumer.close(timeout_ms=1000)

    def close(self) -> None:
        self._open.close()

    def _producer(self, compression: str | None) -> Any:
        if compression not in self._producers:
            producer = KafkaProducer(
                bootstrap_servers=self.bootstrap, compression_type=compression, linger_ms=2
            )
            self._producers[compression] = producer
            self._open.callback(producer.close, 5)
        return self._producers[compression]


def _entries(topics: str | Sequence[str]) -> tuple[str, ...]:
    return (topics,) if isinstance(topics, str) else tuple(topics)


class Reader:
    """Polls a source and remembers all it was told; what it gets assigned again it goes on reading."""

    def __init__(self, source: Source, starts: Mapping[TopicPartition, int] | None = None) -> None:
        self.source = source
        self.starts = starts  # where to seek what gets assigned; None: nothing is sought
        self.held: set[TopicPartition] = set()
        self.records: dict[TopicPartition, list[Record]] = {}
        self.polls: list[Polled] = []

    def poll(self, timeout_s: float = 0.2, max_records: int = 1000) -> Polled:
        polled = self.source.poll(timeout_s, max_records)
        self.polls.append(polled)
        self.held = (self.held - polled.revoked) | polled.assigned
        for chunk in polled.chunks:
            assert chunk.records
            self.records.setdefault(chunk.partition, []).extend(chunk.records)
        if self.starts is not None and polled.assigned:
            self.source.seek({at: self._next(at, self.starts) for at in polled.assigned})
        return polled

    def _next(self, partition: TopicPartition, starts: Mapping[TopicPartition, int]) -> int:
        records = self.records.get(partition)
        return records[-1].offset + 1 if records else starts.get(partition, 0)

    def values(self, partition: TopicPartition) -> list[bytes | None]:
        return [record.value for record in self.records.get(partition, [])]


def poll_until(condition: Callable[[], bool], what: str, *readers: Reader, limit_s: float = 30.0) -> None:
    """Poll the readers in turn until the condition holds."""
    clock = SystemClock()
    end = clock.monotonic() + limit_s
    while not condition():
        assert clock.monotonic() < end, f"polled {limit_s:g} s in vain: {what}"
        for reader in readers:
            reader.poll(0.2 / len(readers))
