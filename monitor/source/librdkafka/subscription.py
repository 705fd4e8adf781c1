"""Which topics the consumer subscribes to: by name, and by what patterns match at the time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from confluent_kafka import Consumer

from monitor.clock import Clock
from monitor.errors import SourceError
from monitor.source.base import TopicPartition
from monitor.source.librdkafka.client import REQUEST_LIMIT_S, listed
from monitor.topics import Topics

LOOK_LIMIT_S = 1.0


class Subscription:
    """Looks from time to time for what patterns match: the client's own patterns are of another dialect.

    ``look_every_s`` below 0 is never again. ``subscribe`` is told the names, whenever they have changed.
    """

    def __init__(
        self,
        consumer: Consumer,
        topics: Topics,
        subscribe: Callable[[list[str]], None],
        clock: Clock,
        look_every_s: float,
    ) -> None:
        self._consumer = consumer
        self._topics = topics
        self._subscribe = subscribe
        self._clock = clock
        self._look_every_s = look_every_s
        self._looked_s = clock.monotonic()
        self._names: tuple[str, ...] = ()
        self._follow(REQUEST_LIMIT_S)

    def look(self) -> None:
        """Subscribe anew when it is time and topics have come or gone."""
        now_s = self._clock.monotonic()
        if self._topics.patterns and 0 <= self._look_every_s <= now_s - self._looked_s:
            self._looked_s = now_s
            with contextlib.suppress(SourceError):  # the poll says so, too
                self._follow(LOOK_LIMIT_S)

    def partitions(self) -> frozenset[TopicPartition]:
        """Give all partitions of the topics; may raise `SourceError`."""
        return frozenset(
            TopicPartition(topic, number)
            for topic, numbers in listed(self._consumer, REQUEST_LIMIT_S).items()
            if topic in self._topics
            for number in numbers
        )

    def _follow(self, limit_s: float) -> None:
        names = self._topics.names  # which need not be there yet
        if self._topics.patterns:
            names = self._topics.among({*names, *listed(self._consumer, limit_s)})
        if names and names != self._names:
            self._subscribe([*names])
            self._names = names
