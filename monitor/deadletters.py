"""Messages that could not be used, put on a topic of their own with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from monitor.config import Kafka
from monitor.metrics import Metrics
from monitor.source.base import Record
from monitor.source.clients import Letters, client_of
from monitor.source.kafka.deadletters import error_headers
from monitor.store.base import Reject


class KafkaDeadLetterBox:
    """Keeps dead letters where ``kafka.dead_letters`` says; the producer connects when it is first needed."""

    def __init__(self, kafka: Kafka, metrics: Metrics) -> None:
        self._kafka = kafka
        self._metrics = metrics
        self._producer: Letters | None = None

    def keep(self, letters: Sequence[tuple[Record, Reject]]) -> None:
        """Return when all have arrived; raises `SourceError` when one has not."""
        if self._producer is None:
            client = client_of(self._kafka.client)
            self._producer = client.letters(self._kafka.bootstrap_servers, self._kafka.options)
        sent: Counter[str] = Counter()
        for record, reject in letters:
            topic = self._kafka.dead_letter_topic(reject.partition.topic)
            if topic is not None:
                headers = error_headers(
                    reject.partition, reject.offset, "decode", reject.reason, reject.detail
                )
                self._producer.send(topic, record, headers)
                sent[reject.partition.topic] += 1
        self._producer.flush()
        for origin, count in sent.items():
            self._metrics.dead_letters.labels(topic=origin).inc(count)

    def close(self) -> None:
        if self._producer is not None:
            self._producer.close()
