"""The `Source` on librdkafka's consumer."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as Place

from monitor.clock import Clock, SystemClock
from monitor.errors import DriftdError, SourceError
from monitor.source.base import Chunk, Lost, Polled, Start, TopicPartition
from monitor.source.changes import Changes
from monitor.source.librdkafka.client import (
    PASSING,
    REQUEST_LIMIT_S,
    connected,
    consumer_settings,
    failure_of,
    listed,
    partitions_of,
    place,
    said,
    watermarks,
)
from monitor.source.librdkafka.records import chunks_of
from monitor.source.librdkafka.subscription import Subscription
from monitor.topics import Topics

log = structlog.get_logger(__name__)

SLICE_S = 0.1  # the client fills a batch until its time is over: so long waits what a quiet stream brings
CLOSE_LIMIT_S = 3.0
PROBE_LIMIT_S = 1.0
MOST_RECORDS = 1_000_000  # of one call of the client


class LibrdkafkaSource:
    """A `Source` on librdkafka's consumer, a member of a consumer group.

    Rebalances happen inside `poll`, on the caller's thread. The listener tells the client to fetch nothing
    of what is assigned; `seek` hands a partition to the client, with its offset, so that nothing else is
    ever fetched of it and no committed offset asked for.
    """

    def __init__(
        self,
        bootstrap_servers: Sequence[str],
        group_id: str,
        *,
        topics: Topics,
        options: Mapping[str, Any] | None = None,
        clock: Clock | None = None,
    ) -> None:
        settings = consumer_settings(bootstrap_servers, group_id, options or {})
        self.commit_failures = 0
        self._is_incremental = (
            "cooperative" in settings.get("partition.assignment.strategy", "")
            or settings.get("group.protocol", "").lower() == "consumer"
        )
        self._changes = Changes()
        self._held: frozenset[TopicPartition] = frozenset()  # by the group
        self._next: dict[TopicPartition, int] = {}  # of the sought partitions: the client fetches them
        self.sought: dict[TopicPartition, int] = {}  # where each began, when it was last sought
        self._ends: dict[TopicPartition, int | None] = {}  # heard of since sought; where the end was met
        self._lost: dict[TopicPartition, int] = {}  # wanted and not there; not told yet
        self._failure: DriftdError | None = None  # to be raised once what came before it is delivered
        self._is_paused = False
        self._is_alone = False
        settings |= {"on_commit": self._note_commit, "error_cb": self._note_outage}
        self._consumer = connected(settings)
        self._subscription = Subscription(
            self._consumer,
            topics,
            partial(self._consumer.subscribe, on_assign=self._on_assign, on_revoke=self._on_revoke),
            clock or SystemClock(),
            float(settings["topic.metadata.refresh.interval.ms"]) / 1000,
        )

    def poll(self, timeout_s: float, max_records: int) -> Polled:
        """Wait up to ``timeout_s``, less when anything comes.

        An offset that is out of range is reported once as `Lost` with the
        partition's first offset; when that is below ``wanted``, the topic was
        made anew or cut at its end.
        """
        for slice_s in _slices(timeout_s):
            self._subscription.look()
            failure, self._failure = self._failure, None
            if failure is not None:
                raise failure
            chunks = self._delivered(self._consume(slice_s, min(max_records, MOST_RECORDS)))
            lost = self._take_losses()
            assigned, revoked = self._changes.take()
            if chunks or assigned or revoked or lost:
                return Polled(chunks, assigned, revoked, lost)
            self._require_broker()
        return Polled()

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        held = (self._held & self._changes.known) - self._changes.noted()
        wanted = {at: positions[at] for at in held & positions.keys()}
        self.sought.update(wanted)
        for at in wanted:
            self._ends.pop(at, None)
        self._move(wanted)

    def partitions(self) -> frozenset[TopicPartition]:
        return self._subscription.partitions()

    def first_offsets(
        self, partitions: frozenset[TopicPartition], start: Start
    ) -> Mapping[TopicPartition, int]:
        return {at: watermarks(self._consumer, at)[start == "latest"] for at in partitions}

    def offsets_at(self, times_ms: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        if not times_ms:
            return {}
        asked = [place(at, max(0, time_ms)) for at, time_ms in times_ms.items()]
        try:
            found = self._consumer.offsets_for_times(asked, timeout=REQUEST_LIMIT_S)
        except KafkaException as error:
            raise SourceError(f"Kafka did not tell its offsets: {said(error)}") from error
        for each in found:
            if each.error is not None:
                raise SourceError(f"Kafka did not tell the offsets of {each.topic}: {said(each.error)}")
        return {TopicPartition(each.topic, each.partition): each.offset for each in found if each.offset >= 0}

    def end_offsets(self, partitions: frozenset[TopicPartition]) -> Mapping[TopicPartition, int]:
        ends = {}
        for at in partitions & self._ends.keys() & self._next.keys():
            _, high = self._consumer.get_watermark_offsets(place(at, 0), cached=True)
            met = self._ends[at]
            is_at_end = met is not None and high <= met  # behind the last record may be a transaction's mark
            ends[at] = self._next[at] if is_at_end else high
        return ends

    def pause(self) -> None:
        self._is_paused = True
        self._consumer.pause(self._places(self._next))

    def resume(self) -> None:
        self._is_paused = False
        self._consumer.resume(self._places(self._next))
        self._move(dict(self._next))

    def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        offsets = [place(at, offset) for at, offset in positions.items() if at in self._held]
        try:
            if offsets:
                self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            self._note_commit(error.args[0], offsets)

    def close(self) -> None:
        closing = threading.Thread(target=self._close, name="librdkafka-close", daemon=True)
        closing.start()
        closing.join(CLOSE_LIMIT_S)  # with its broker gone, the client would wait for the last commit

    def _close(self) -> None:
        try:
            self._consumer.close()
        except (KafkaException, RuntimeError) as error:
            log.warning("kafka_close_failed", error=said(error))

    # -- messages ---------------------------------------------------------------------------------------

    def _consume(self, timeout_s: float, max_records: int) -> list[Message]:
        try:
            return self._consumer.consume(max_records, timeout_s)
        except KafkaException as error:
            raise SourceError(f"Kafka did not deliver: {said(error)}") from error

    def _delivered(self, messages: list[Message]) -> tuple[Chunk, ...]:
        """Give the records of sought partitions, and note what the client says beside them."""
        told: list[Message] = []
        if any(map(Message.error, messages)):
            told = [message for message in messages if message.error() is not None]
            messages = [message for message in messages if message.error() is None]
        chunks = []
        for chunk in chunks_of(messages):
            if chunk.partition in self._next and not self._is_paused:
                self._next[chunk.partition] = chunk.records[-1].offset + 1
                self._ends[chunk.partition] = None
                chunks.append(chunk)
        for message in told:
            self._note_error(message)
        return tuple(chunks)

    def _note_error(self, message: Message) -> None:
        error = message.error()
        assert error is not None  # noqa: S101  # only such messages come here
        at = TopicPartition(message.topic() or "", message.partition() or 0)
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
            if at in self._next:
                self._ends[at] = message.offset()
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001
            if at in self._next:
                self._lost[at] = self._next[at]
        elif error.code() in PASSING:
            log.info("kafka_waiting", error=said(error))
        else:
            self._failure = failure_of(error)

    def _note_outage(self, error: KafkaError) -> None:
        self._is_alone |= error.code() == KafkaError._ALL_BROKERS_DOWN  # noqa: SLF001

    def _require_broker(self) -> None:
        """Once the client has lost all brokers, ask until one answers: it does not tell of its return."""
        if self._is_alone:
            try:
                listed(self._consumer, PROBE_LIMIT_S)
            except SourceError as error:
                raise SourceError("Kafka does not answer: all its brokers are gone") from error
            self._is_alone = False

    def _take_losses(self) -> tuple[Lost, ...]:
        """Give what is lost and not told yet, and have the client let go of it."""
        wanted = {at: offset for at, offset in self._lost.items() if at in self._next}
        first = self.first_offsets(frozenset(wanted), "earliest")
        self._lost.clear()
        self._let_go(wanted)
        return tuple(Lost(at, offset, first[at]) for at, offset in wanted.items())

    # -- the assignment ---------------------------------------------------------------------------------

    def _on_assign(self, consumer: Consumer, assigned: list[Place]) -> None:
        given = partitions_of(assigned)
        self._changes.note(given, is_assigned=True)
        self._held |= given
        (consumer.incremental_assign if self._is_incremental else consumer.assign)([])

    def _on_revoke(self, consumer: Consumer, revoked: list[Place]) -> None:
        gone = partitions_of(revoked)
        self._changes.note(gone, is_assigned=False)
        fetched = self._places(gone & self._next.keys())
        self._held -= gone
        for at in gone:
            self._next.pop(at, None)
            self._ends.pop(at, None)
        if self._is_incremental:
            consumer.incremental_unassign(fetched)
        else:
            consumer.unassign()

    def _move(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Have the client fetch from these offsets on: move what it fetches already, hand it the rest."""
        begun = {
            at: offset
            for at, offset in offsets.items()
            if at not in self._next or not self._is_sought(at, offset)
        }
        self._next.update(offsets)
        if begun:
            self._begin(begun)

    def _is_sought(self, partition: TopicPartition, offset: int) -> bool:
        try:
            self._consumer.seek(place(partition, offset))
        except KafkaException as error:
            if error.args[0].code() != KafkaError._STATE:  # noqa: SLF001  # it has not begun to fetch yet
                raise SourceError(f"Kafka's client did not seek {partition}: {said(error)}") from error
            self._let_go({partition})
            return False
        return True

    def _begin(self, offsets: Mapping[TopicPartition, int]) -> None:
        if self._is_incremental:
            self._consumer.incremental_assign([place(at, offset) for at, offset in offsets.items()])
        else:  # the eager protocol knows whole assignments only
            self._consumer.assign([place(at, offset) for at, offset in self._next.items()])
        if self._is_paused:
            self._consumer.pause(self._places(self._next))

    def _let_go(self, partitions: Iterable[TopicPartition]) -> None:
        """Have the client fetch nothing more of these; under the eager protocol it has stopped by itself."""
        gone = [at for at in partitions if self._next.pop(at, None) is not None]
        if gone and self._is_incremental:
            self._consumer.incremental_unassign(self._places(gone))

    def _places(self, partitions: Iterable[TopicPartition]) -> list[Place]:
        return [place(at, self._next.get(at, 0)) for at in partitions]

    def _note_commit(self, error: KafkaError | None, offsets: Sequence[Place]) -> None:
        if error is not None:
            self.commit_failures += 1
            log.info("kafka_commit_failed", offsets=str(offsets), error=said(error))


def _slices(timeout_s: float) -> Iterator[float]:
    """Cut a wait into parts, at least one."""
    while timeout_s > SLICE_S:
        yield SLICE_S
        timeout_s -= SLICE_S
    yield max(timeout_s, 0.0)
