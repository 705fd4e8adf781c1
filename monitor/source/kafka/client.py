"""Clients of kafka-python: their settings, their making, and what both sources and commands ask of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from kafka import KafkaConsumer
from kafka import TopicPartition as KafkaPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from kafka.errors import KafkaConfigurationError, KafkaError

from monitor.errors import ConfigError, SourceError
from monitor.source.base import TopicPartition
from monitor.source.kafka.options import checked

ASSIGNORS = {
    "cooperative-sticky": CooperativeStickyAssignor,
    "range": RangePartitionAssignor,
    "roundrobin": RoundRobinPartitionAssignor,
    "sticky": StickyPartitionAssignor,
}
DEFAULTS = {
    "allow_auto_create_topics": False,  # a misspelt topic must not come into being
    "bootstrap_timeout_ms": 10_000,  # the caller retries; this only bounds one attempt
    "client_id": "driftd",
    "fetch_max_bytes": 16_777_216,  # of each broker: what is fetched waits in memory
    "isolation_level": "read_committed",  # what a producer took back was never logged
    "metadata_max_age_ms": 60_000,  # new partitions are seen before their rows are late
    "metrics_enabled": False,  # driftd has its own
    "partition_assignment_strategy": "range",  # brings predictions and labels of one number together
    "reconnect_backoff_max_ms": 5_000,
}
FORCED = {"auto_offset_reset": "none", "enable_auto_commit": False}

REQUEST_LIMIT_MS = 10_000
CLOSE_LIMIT_MS = 3_000


def topics(bootstrap_servers: Sequence[str], options: Mapping[str, Any]) -> Mapping[str, int]:
    """Give every topic that can be seen, and how many partitions it has."""
    consumer = connected(KafkaConsumer, consumer_settings(bootstrap_servers, options))
    try:
        return {topic: len(consumer.partitions_for_topic(topic) or ()) for topic in consumer.topics()}
    except KafkaError as error:
        raise SourceError(f"Kafka did not list its topics: {said(error)}") from error
    finally:
        consumer.close(timeout_ms=CLOSE_LIMIT_MS)


def consumer_settings(bootstrap_servers: Sequence[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """Give the client's settings: driftd's defaults, the user's options, and what driftd insists on."""
    settings: dict[str, Any] = DEFAULTS | checked(options, KafkaConsumer.DEFAULT_CONFIG.keys())
    if (names := settings.get("partition_assignment_strategy")) is not None:
        settings["partition_assignment_strategy"] = _assignors([names] if isinstance(names, str) else names)
    return settings | FORCED | {"bootstrap_servers": list(bootstrap_servers)}


def _assignors(names: Iterable[str]) -> tuple[Any, ...]:
    for name in names:
        if name not in ASSIGNORS:
            raise ConfigError(
                f"kafka.options.partition_assignment_strategy: {name!r} is none of {', '.join(ASSIGNORS)}"
            )
    return tuple(ASSIGNORS[name] for name in names)


def connected(kind: Callable[..., Any], settings: Mapping[str, Any]) -> Any:
    """Make a client, which connects at once; one that failed to leaves no thread and no socket behind."""
    made: list[Any] = []

    def client(**config: Any) -> Any:
        made.append(KafkaConsumer.DEFAULT_CONFIG["kafka_client"](**config))
        # kafka-python 3.0.12 forgets to hand this one on, and a misspelt topic would come into being
        made[-1].cluster.config["allow_auto_create_topics"] = settings["allow_auto_create_topics"]
        return made[-1]

    servers = ", ".join(settings["bootstrap_servers"])
    try:
        return kind(**settings, kafka_client=client)
    except (KafkaConfigurationError, ValueError, TypeError, AssertionError) as error:
        _close_all(made)
        raise ConfigError(f"Kafka at {servers} cannot be used with these settings: {said(error)}") from error
    except (KafkaError, OSError) as error:
        _close_all(made)
        raise SourceError(
            f"Kafka at {servers} did not answer: {said(error)}; check kafka.bootstrap_servers and the broker"
        ) from error


def _close_all(clients: Iterable[Any]) -> None:
    for client in clients:
        client.close()


def offsets_of(ask: Callable[..., Any], partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
    """Ask the broker for offsets of these partitions; without one, it is not asked."""
    if not partitions:
        return {}
    try:
        found = ask([KafkaPartition(*at) for at in partitions], timeout_ms=REQUEST_LIMIT_MS)
    except KafkaError as error:
        raise SourceError(f"Kafka did not tell its offsets: {said(error)}") from error
    return {TopicPartition(*at): offset for at, offset in found.items()}


def offsets_at(ask: Callable[..., Any], times_ms: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
    """Ask the broker where times begin; partitions without a record of that time or later are absent."""
    if not times_ms:
        return {}
    try:
        found = ask(
            {KafkaPartition(*at): max(0, time_ms) for at, time_ms in times_ms.items()},
            timeout_ms=REQUEST_LIMIT_MS,
        )
    except KafkaError as error:
        raise SourceError(f"Kafka did not tell its offsets: {said(error)}") from error
    return {TopicPartition(*at): place.offset for at, place in found.items() if place is not None}


def said(error: object) -> str:
    """Give an error of the client in one line; its name often says more than its text."""
    return f"{type(error).__name__}: {error}"
