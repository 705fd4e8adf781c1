"""Messages that could not be used, put on a topic of their own with the reason."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.config import Kafka
from monitor.source.base import Record
from monitor.source.kafka.deadletters import DeadLetters, error_headers
from monitor.store.base import Reject


class KafkaDeadLetterBox:
    """Keeps dead letters where ``kafka.dead_letters`` says; the producer connects when it is first needed."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._producer: DeadLetters | None = None

    def keep(self, letters: Sequence[tuple[Record, Reject]]) -> None:
        """Return when all have arrived; raises `SourceError` when one has not."""
        if self._producer is None:
            self._producer = DeadLetters(self._kafka.bootstrap_servers, self._kafka.options)
        for record, reject in letters:
            topic = self._kafka.dead_letter_topic(reject.partition.topic)
            if topic is not None:
                headers = error_headers(
                    reject.partition, reject.offset, "decode", reject.reason, reject.detail
                )
                self._producer.send(topic, record, headers)
        self._producer.flush()

    def close(self) -> None:
        if self._producer is not None:
            self._producer.close()
