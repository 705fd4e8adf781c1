"""The Kafka clients that ``kafka.client`` can name, each with everything that is asked of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from monitor.errors import ConfigError
from monitor.source.base import Record, Source, TopicPartition
from monitor.source.kafka import DeadLetters, KafkaSource, topics

ClientName = Literal["kafka-python", "librdkafka"]


class KafkaClientSource(Source, Protocol):
    """A source of Kafka's, with the offsets to which it was last told to go."""

    sought: dict[TopicPartition, int]


class Letters(Protocol):
    """A producer of dead letters; see `DeadLetters`."""

    def send(self, topic: str, record: Record, headers: Mapping[str, str]) -> None: ...
    def flush(self, timeout_s: float = 30.0) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Client:
    """A client library: all three take bootstrap servers and `[kafka.options]`, and connect at once."""

    source: Callable[..., KafkaClientSource]
    letters: Callable[[Sequence[str], Mapping[str, Any]], Letters]
    topics: Callable[[Sequence[str], Mapping[str, Any]], Mapping[str, int]]


def client_of(name: ClientName) -> Client:
    """Give the client; raises `ConfigError` when its package is not installed."""
    return _librdkafka() if name == "librdkafka" else Client(KafkaSource, DeadLetters, topics)


def _librdkafka() -> Client:
    try:
        from monitor.source.librdkafka.client import topics as topics_of_librdkafka  # noqa: PLC0415  # an extra
        from monitor.source.librdkafka.deadletters import LibrdkafkaDeadLetters  # noqa: PLC0415
        from monitor.source.librdkafka.source import LibrdkafkaSource  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(
            'kafka.client is "librdkafka", but its package cannot be imported '
            f"({error}): pip install 'driftd[librdkafka]', or set kafka.client = \"kafka-python\""
        ) from error
    return Client(LibrdkafkaSource, LibrdkafkaDeadLetters, topics_of_librdkafka)
