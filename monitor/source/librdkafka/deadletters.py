"""What could not be used, kept on a topic of its own by librdkafka's producer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from monitor.errors import SourceError
from monitor.source.base import Record
from monitor.source.kafka.deadletters import CUT_HEADER, SAMPLE_BYTES
from monitor.source.librdkafka.client import consumer_settings, made, said

_CONSUMERS = (
    "auto.",
    "check.",
    "coordinator.",
    "enable.auto.",
    "enable.partition.",
    "fetch.",
    "group.",
    "heartbeat.",
    "isolation.",
    "max.p",
    "partition.",
    "queued.",
    "session.",
)
"""How the names of settings begin that are a consumer's alone."""
_CLOSE_LIMIT_S = 3.0


@dataclass(frozen=True, slots=True)
class _Letter:
    topic: str
    value: bytes | None
    key: bytes | None
    timestamp: int
    headers: list[tuple[str, str | bytes | None]]

    def cut_short(self) -> _Letter:
        value = self.value or b""
        note = (CUT_HEADER, str(len(value)).encode())
        own = [header for header in self.headers if header[0].startswith("__driftd.")]
        return replace(self, value=value[:SAMPLE_BYTES], headers=[*own, note])


class LibrdkafkaDeadLetters:
    """Copies of unusable messages on a topic of their own, each with the reason in its headers."""

    def __init__(self, bootstrap_servers: Sequence[str], options: Mapping[str, Any] | None = None) -> None:
        settings = consumer_settings(bootstrap_servers, "", options or {})
        shared = {name: value for name, value in settings.items() if not name.startswith(_CONSUMERS)}
        self._producer = made(Producer, {**shared, "allow.auto.create.topics": True})
        self._too_large: list[_Letter] = []
        self._failures: list[KafkaError] = []

    def send(self, topic: str, record: Record, headers: Mapping[str, str]) -> None:
        """Hand one over; only `flush` tells that it arrived. What is too large is cut to its first 1 kB."""
        kept = [(name, value or b"") for name, value in record.headers]
        texts = [(name, text.encode()) for name, text in headers.items()]
        value = record.value if record.value is not None or record.key is not None else b""
        self._produce(_Letter(topic, value, record.key, record.timestamp, [*kept, *texts]))

    def flush(self, timeout_s: float = 30.0) -> None:
        """Return when all have arrived, raise `SourceError` when one has not."""
        left = self._producer.flush(timeout_s)
        large, self._too_large = self._too_large, []
        for letter in large:
            self._produce(letter.cut_short())
        left += self._producer.flush(timeout_s) if large else 0
        failures, self._failures = self._failures, []
        if left:
            self._producer.purge()
            raise SourceError(f"dead letters not delivered: {left} of them within {timeout_s:g} s")
        if failures:
            raise SourceError(f"dead letters not delivered: {said(failures[0])}")

    def close(self) -> None:
        """Wait briefly for what is under way, then give up on it."""
        if self._producer.flush(_CLOSE_LIMIT_S):
            self._producer.purge()

    def _produce(self, letter: _Letter) -> None:
        def delivered(error: KafkaError | None, _: object) -> None:
            if error is not None and error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
                self._too_large.append(letter)
            elif error is not None:
                self._failures.append(error)

        try:
            self._producer.produce(
                letter.topic,
                letter.value,
                letter.key,
                headers=letter.headers,
                on_delivery=delivered,
                timestamp=max(0, letter.timestamp),  # 0: now
            )
        except BufferError as error:
            raise SourceError("dead letters not delivered: too many of them wait to be") from error
        except KafkaException as error:
            if error.args[0].code() != KafkaError.MSG_SIZE_TOO_LARGE:
                raise SourceError(f"dead letter for {letter.topic!r} not sent: {said(error)}") from error
            self._too_large.append(letter)
