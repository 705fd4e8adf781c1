"""What could not be used, kept on a topic of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError

from monitor.errors import SourceError
from monitor.source.base import Record, TopicPartition
from monitor.source.kafka.client import CLOSE_LIMIT_MS, REQUEST_LIMIT_MS, connected, consumer_settings, said

SAMPLE_BYTES = 1_000  # what is kept of a message too large to be a dead letter
CUT_HEADER = "__driftd.errors.truncated_from_bytes"


class DeadLetters:
    """Copies of unusable messages on a topic of their own, each with the reason in its headers."""

    def __init__(self, bootstrap_servers: Sequence[str], options: Mapping[str, Any] | None = None) -> None:
        settings = consumer_settings(bootstrap_servers, options or {})
        shared = {name: value for name, value in settings.items() if name in KafkaProducer.DEFAULT_CONFIG}
        shared.update(max_block_ms=REQUEST_LIMIT_MS, allow_auto_create_topics=True)
        self._producer = connected(KafkaProducer, shared)
        self._sent: list[tuple[Any, Callable[[], Any]]] = []  # the future, and how to send it cut short

    def send(self, topic: str, record: Record, headers: Mapping[str, str]) -> None:
        """Hand one over; only `flush` tells that it arrived. What is too large is cut to its first 1 kB."""
        texts = {name: text.encode() for name, text in headers.items()}
        kept = [(name, value or b"") for name, value in record.headers]
        value = record.value if record.value is not None or record.key is not None else b""
        message = {"key": record.key, "timestamp_ms": record.timestamp if record.timestamp >= 0 else None}

        def cut_short() -> Any:
            note = [(CUT_HEADER, str(len(value or b"")).encode())]
            sample = (value or b"")[:SAMPLE_BYTES]
            return self._producer.send(topic, sample, headers=[*texts.items(), *note], **message)

        try:
            future = self._producer.send(topic, value, headers=[*kept, *texts.items()], **message)
        except MessageSizeTooLargeError:
            future = cut_short()
        except KafkaError as error:
            raise SourceError(f"dead letter for {topic!r} not sent: {said(error)}") from error
        self._sent.append((future, cut_short))

    def flush(self, timeout_s: float = 30.0) -> None:
        """Return when all have arrived, raise `SourceError` when one has not."""
        sent, self._sent = self._sent, []
        try:
            self._producer.flush(timeout_s)
            for future, cut_short in sent:
                if isinstance(future.exception, MessageSizeTooLargeError):
                    cut_short().get(timeout_s)
                elif future.exception is not None:
                    raise future.exception
        except KafkaError as error:
            raise SourceError(f"dead letters not delivered: {said(error)}") from error

    def close(self) -> None:
        """Wait briefly for what is under way, then give up on it."""
        try:
            self._producer.close(CLOSE_LIMIT_MS / 1000)
        except KafkaError:
            self._producer._sender.force_close()  # noqa: SLF001  # else it refuses to close with letters unsent
            with contextlib.suppress(KafkaError):
                self._producer.close(CLOSE_LIMIT_MS / 1000)


def error_headers(
    partition: TopicPartition, offset: int, stage: str, reason: str, message: str
) -> dict[str, str]:
    """Say in a dead letter's headers where it comes from and what was wrong."""
    told = {"topic": partition.topic, "partition": partition.partition, "offset": offset}
    told |= {"stage": stage, "reason": reason, "message": message}
    return {f"__driftd.errors.{name}": str(value) for name, value in told.items()}
