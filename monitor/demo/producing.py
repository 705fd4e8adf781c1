"""Putting a log onto a topic, as the service that runs the model would."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError

from monitor.demo.waiting import DemoError

_FLUSH_LIMIT_S = 30.0
_TELL_EVERY = 500


def produce(
    bootstrap: str,
    topic: str,
    partitions: int,
    rows: Iterable[tuple[int, bytes]],
    advance: Callable[[int], None],
) -> int:
    """Make the topic and send the rows in their order, each to its partition; return how many arrived.

    Raises `DemoError` when one did not arrive.
    """
    try:
        _make(bootstrap, topic, partitions)
        producer = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=20, batch_size=200_000)
        try:
            return _send(producer, topic, rows, advance)
        finally:
            producer.close(timeout=_FLUSH_LIMIT_S)
    except KafkaError as error:
        raise DemoError(f"the log could not be written to the topic {topic}: {error!r}") from error


def _make(bootstrap: str, topic: str, partitions: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_topics([NewTopic(topic, num_partitions=partitions, replication_factor=1)])
    finally:
        admin.close()


def _send(
    producer: KafkaProducer,
    topic: str,
    rows: Iterable[tuple[int, bytes]],
    advance: Callable[[int], None],
) -> int:
    futures = []
    for partition, row in rows:
        futures.append(producer.send(topic, row, partition=partition))
        if len(futures) % _TELL_EVERY == 0:
            advance(_TELL_EVERY)
    producer.flush(_FLUSH_LIMIT_S)
    for future in futures:
        if future.exception is not None:
            raise future.exception
    return sum(future.succeeded() for future in futures)
