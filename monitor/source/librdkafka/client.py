"""Clients of librdkafka: their settings, their making, and what they say when something fails."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as Place

from monitor.errors import ConfigError, DriftdError, SourceError
from monitor.source.base import TopicPartition
from monitor.source.librdkafka.options import checked, unknown

Client = TypeVar("Client")

DEFAULTS: Mapping[str, Any] = {
    "allow.auto.create.topics": False,  # a misspelt topic must not come into being
    "check.crcs": True,
    "client.id": "driftd",
    "enable.metrics.push": False,  # driftd has its own
    "fetch.queue.backoff.ms": 10,  # a whole second, as by default, would starve the loop
    "isolation.level": "read_committed",  # what a producer took back was never logged
    "log.connection.close": False,
    "partition.assignment.strategy": "range",  # brings predictions and labels of one number together
    "queued.max.messages.kbytes": 32_768,
    "reconnect.backoff.max.ms": 5_000,
    "topic.metadata.refresh.interval.ms": 60_000,  # new partitions are seen before their rows are late
}
FORCED: Mapping[str, Any] = {
    "auto.offset.reset": "error",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "enable.partition.eof": True,
}
REQUEST_LIMIT_S = 10.0
PASSING = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,  # it may come into being yet
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001  # so the client names its own errors
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
        KafkaError._MAX_POLL_EXCEEDED,  # noqa: SLF001  # the partitions are revoked next
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001  # the client goes on trying
        KafkaError._TRANSPORT,  # noqa: SLF001
        KafkaError._RESOLVE,  # noqa: SLF001
    }
)
"""Errors that need nothing done."""
_NO_SUCH = re.compile(r'No such configuration property: "([^"]*)"')


def consumer_settings(
    bootstrap_servers: Sequence[str], group_id: str, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Give the client's settings: driftd's defaults, the user's options, and what driftd insists on."""
    named = {"bootstrap.servers": ",".join(bootstrap_servers), "group.id": group_id}
    settings = {**DEFAULTS, **checked(options), **FORCED, **named}
    if settings.get("group.protocol", "").lower() == "consumer":  # there the broker shares out
        ours = settings.pop("partition.assignment.strategy")
        settings.setdefault("group.remote.assignor", ours)
    return settings


def connected(settings: Mapping[str, Any]) -> Consumer:
    """Make a consumer whose broker has answered; one that got no answer leaves nothing behind."""
    consumer = made(Consumer, settings)
    servers = settings["bootstrap.servers"]
    try:
        consumer.cluster_id(timeout=REQUEST_LIMIT_S)
    except KafkaException as error:
        consumer.close()
        raise SourceError(
            f"Kafka at {servers} did not answer: {said(error)}; check kafka.bootstrap_servers and the broker"
        ) from error
    return consumer


def made(kind: Callable[..., Client], settings: Mapping[str, Any]) -> Client:
    """Make a client; `ConfigError` says which setting it does not take."""
    try:
        return kind({**settings}, logger=logging.getLogger("librdkafka"))
    except (KafkaException, TypeError, ValueError) as error:
        if name := _NO_SUCH.search(str(error)):
            raise unknown(name[1]) from error
        servers = settings["bootstrap.servers"]
        raise ConfigError(f"Kafka at {servers} cannot be used with these settings: {said(error)}") from error


def topics(bootstrap_servers: Sequence[str], options: Mapping[str, Any]) -> Mapping[str, int]:
    """Give every topic that can be seen, and how many partitions it has."""
    consumer = connected(consumer_settings(bootstrap_servers, "driftd-check", options))
    try:
        return {topic: len(numbers) for topic, numbers in listed(consumer, REQUEST_LIMIT_S).items()}
    finally:
        consumer.close()


def listed(consumer: Consumer, limit_s: float) -> Mapping[str, Sequence[int]]:
    """Give the partitions of every topic that the consumer can see."""
    try:
        found = consumer.list_topics(timeout=limit_s).topics
    except KafkaException as error:
        raise SourceError(f"Kafka did not list its topics: {said(error)}") from error
    return {topic: tuple(each.partitions) for topic, each in found.items() if each.error is None}


def watermarks(consumer: Consumer, partition: TopicPartition) -> tuple[int, int]:
    """Give the first offset of a partition, and the one after the last."""
    try:
        found = consumer.get_watermark_offsets(place(partition, 0), timeout=REQUEST_LIMIT_S)
    except KafkaException as error:
        raise SourceError(f"Kafka did not tell its offsets: {said(error)}") from error
    if found is None:
        raise SourceError(f"Kafka did not tell the offsets of {partition} within {REQUEST_LIMIT_S:g} s")
    return found


def place(partition: TopicPartition, offset: int) -> Place:
    """Give a partition and an offset as the client wants them."""
    return Place(partition.topic, partition.partition, offset)


def partitions_of(places: Iterable[Place]) -> frozenset[TopicPartition]:
    """Give the partitions that the client means."""
    return frozenset(TopicPartition(each.topic, each.partition) for each in places)


def said(error: object) -> str:
    """Give an error of the client in one line, with its name."""
    inner = error.args[0] if isinstance(error, KafkaException) and error.args else error
    return f"{inner.name()}: {inner.str()}" if isinstance(inner, KafkaError) else str(inner)


def failure_of(error: KafkaError) -> DriftdError:
    """Give what to raise for an error that does not pass by itself."""
    if "fenced" in error.str():
        return ConfigError(
            "another process uses this group.instance.id of kafka.options; give each process its own"
        )
    if error.code() == KafkaError._FATAL:  # noqa: SLF001  # this consumer is of no use any more
        return ConfigError(f"Kafka refuses this consumer: {said(error)}; correct kafka.options")
    return SourceError(f"Kafka did not deliver: {said(error)}")
