"""The `Source` on kafka-python's consumer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import structlog
from kafka import ConsumerRebalanceListener, KafkaConsumer
from kafka import TopicPartition as KafkaPartition
from kafka.errors import FencedInstanceIdError, KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from kafka.structs import MemberState, OffsetAndMetadata

from monitor.errors import ConfigError, SourceError
from monitor.source.base import Chunk, Lost, Polled, Record, Start, TopicPartition
from monitor.source.changes import Changes
from monitor.source.kafka.batches import bound_batches
from monitor.source.kafka.client import (
    CLOSE_LIMIT_MS,
    connected,
    consumer_settings,
    offsets_at,
    offsets_of,
    said,
)
from monitor.source.kafka.polls import PollBounds
from monitor.topics import Topics

log = structlog.get_logger(__name__)

SILENCE_MS = 3_000  # so long without a broker that looks after the group is an outage
SLICE_MS = 100  # the longest that a change of the assignment waits to be told when no records arrive


class KafkaSource:
    """A `Source` on kafka-python's consumer, a member of a consumer group.

    Rebalances happen inside `poll`, on the client's I/O thread; the listener
    does no I/O, it parks new partitions (paused, so that nothing is fetched
    and no committed offset asked for) and notes what changed. `poll` reports
    the notes. Under the eager assignors every rebalance revokes and assigns
    again whatever stays; under cooperative-sticky only what moves.
    """

    def __init__(
        self,
        bootstrap_servers: Sequence[str],
        group_id: str,
        *,
        topics: Topics,
        options: Mapping[str, Any] | None = None,
        max_message_bytes: int = 1 << 20,
        max_poll_bytes: int = 64 << 20,
    ) -> None:
        """Join the group. A poll ends after ``max_poll_bytes``; longer messages than asked for may be cut."""
        bound_batches(max_message_bytes)
        settings = consumer_settings(bootstrap_servers, options or {})
        self.commit_failures = 0
        self._fails_to_commit = False
        self._consumer = connected(KafkaConsumer, {**settings, "group_id": group_id})
        self._bounds = PollBounds(self._consumer, max_poll_bytes)
        self._changes = Changes()
        self._live: set[TopicPartition] = set()  # of the assigned ones those that were sought: may deliver
        self.sought: dict[TopicPartition, int] = {}  # where each began, when it was last sought
        self._next: dict[TopicPartition, int] = {}  # after the last record that was delivered
        self._is_paused = False
        self._silent_ms = 0
        wanted = {"pattern": topics.expression} if topics.patterns else {"topics": topics.names}
        self._consumer.subscribe(**wanted, listener=_Listener(self._consumer, self._changes))
        self._consumer.topics()  # else the group's leader may share out topics that it has not heard of yet
        self._partitions: Mapping[str, set[int]] = {}  # of each topic, when last looked at

    def poll(self, timeout_s: float, max_records: int) -> Polled:
        """Wait up to ``timeout_s``, less when the assignment changes.

        An offset that is out of range is reported once as `Lost` with the
        partition's first offset; when that is below ``wanted``, the topic was
        made anew or cut at its end.
        """
        for slice_ms in _slices(timeout_s):
            records, lost = self._poll_consumer(slice_ms, max_records)
            self._require_broker(slice_ms, is_heard=bool(records or lost))
            assigned, revoked = self._changes.take()
            self._live -= revoked | assigned
            chunks = tuple(
                Chunk(TopicPartition(*at), found) for at, found in records.items() if at in self._live
            )
            self._next.update((chunk.partition, chunk.records[-1].offset + 1) for chunk in chunks)
            if chunks or assigned or revoked or lost:
                return Polled(chunks, assigned, revoked, lost)
        return Polled()

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        changing = self._changes.noted()
        for partition in self._held(positions.keys() - changing):
            self._consumer.seek(partition, positions[TopicPartition(*partition)])
            self._live.add(TopicPartition(*partition))
            self.sought[TopicPartition(*partition)] = positions[TopicPartition(*partition)]
            self._next[TopicPartition(*partition)] = positions[TopicPartition(*partition)]
            if not self._is_paused:
                self._consumer.resume(partition)

    def partitions(self) -> frozenset[TopicPartition]:
        try:
            return frozenset(
                TopicPartition(topic, number)
                for topic in self._consumer.subscription() or ()
                for number in self._consumer.partitions_for_topic(topic)
            )
        except KafkaError as error:
            raise SourceError(f"Kafka did not list its partitions: {said(error)}") from error

    def first_offsets(
        self, partitions: frozenset[TopicPartition], start: Start
    ) -> Mapping[TopicPartition, int]:
        consumer = self._consumer
        ask = consumer.beginning_offsets if start == "earliest" else consumer.end_offsets
        return offsets_of(ask, partitions)

    def offsets_at(self, times_ms: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        return offsets_at(self._consumer.offsets_for_times, times_ms)

    def end_offsets(self, partitions: frozenset[TopicPartition]) -> Mapping[TopicPartition, int]:
        ends = {}
        for held in self._held(partitions):
            mark = self._consumer.highwater(held)
            if mark is not None:
                at = TopicPartition(*held)
                ends[at] = self._next.get(at, mark) if self._has_passed(held, mark) else mark
        return ends

    def _has_passed(self, held: KafkaPartition, mark: int) -> bool:
        """Whether everything was delivered: behind the last record may be a transaction's mark."""
        state = self._consumer._subscription.assignment.get(held)  # noqa: SLF001  # the public way may ask the broker
        return state is not None and state.position is not None and state.position.offset >= mark

    def pause(self) -> None:
        self._is_paused = True
        self._consumer.pause(*self._held(self._live))

    def resume(self) -> None:
        self._is_paused = False
        self._consumer.resume(*self._held(self._live))

    def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        offsets = {held: OffsetAndMetadata(positions[held], "", -1) for held in self._held(positions)}
        try:
            self._consumer.commit_async(offsets, callback=self._note_commit)
        except (KafkaError, RuntimeError) as error:
            self._note_commit(offsets, error)

    def close(self) -> None:
        try:
            self._consumer.close(autocommit=False, timeout_ms=CLOSE_LIMIT_MS)
        except (KafkaError, RuntimeError) as error:
            log.warning("kafka_close_failed", error=str(error))

    def _poll_consumer(
        self, timeout_ms: int, max_records: int
    ) -> tuple[Mapping[TopicPartition, Sequence[Record]], tuple[Lost, ...]]:
        self._keep_joining()
        self._bounds.begin()
        try:
            return self._consumer.poll(timeout_ms=timeout_ms, max_records=max_records), ()
        except NoOffsetForPartitionError:
            return {}, ()  # asked in the instant between an assignment and its listener
        except OffsetOutOfRangeError as error:
            return {}, self._lose(error.args[0])
        except FencedInstanceIdError as error:
            raise ConfigError(
                "another process uses this kafka.options.group_instance_id; give each process its own"
            ) from error
        except (KafkaError, OSError) as error:
            raise SourceError(f"Kafka did not deliver: {said(error)}") from error

    def _require_broker(self, polled_ms: int, *, is_heard: bool) -> None:
        """Say what the client keeps to itself: that no broker has answered for some time."""
        is_known = is_heard or not self._consumer._coordinator.coordinator_unknown()  # noqa: SLF001
        self._silent_ms = 0 if is_known else self._silent_ms + polled_ms
        if self._silent_ms >= SILENCE_MS and not self._changes.noted():
            raise SourceError("Kafka does not answer, or no broker looks after the consumer group")

    def _keep_joining(self) -> None:
        """Have the next poll join the group where kafka-python 3.0.12 would not; no public way leads there.

        It forgets a join that new metadata began and a poll's end cut off: the consumer would hold nothing
        and say nothing, for good. It throws away a join that was answered between two polls and joins again,
        which may go on without end when all members do. And it leaves new partitions to the leader of the
        group, but a static leader that was started again does not know that it is the leader; the broker
        takes any other's join as a mere question.
        """
        coordinator = self._consumer._coordinator  # noqa: SLF001
        partitions = coordinator._metadata_snapshot  # noqa: SLF001
        is_joining = self._consumer.group_metadata().state == MemberState.REBALANCING
        if is_joining or partitions != self._partitions:
            coordinator.request_rejoin()
        join = coordinator._join_task  # noqa: SLF001
        if is_joining and join is not None and join.is_done and join.exception is None:
            coordinator._join_task = _Answered(join)  # noqa: SLF001
        self._partitions = partitions

    def _lose(self, wanted: Mapping[Any, int]) -> tuple[Lost, ...]:
        live = {TopicPartition(*at): offset for at, offset in wanted.items() if at in self._live}
        first = offsets_of(self._consumer.beginning_offsets, live.keys())
        self._live -= live.keys()
        self._consumer.pause(*self._held(live))
        return tuple(Lost(partition, offset, first[partition]) for partition, offset in live.items())

    def _held(self, partitions: Iterable[TopicPartition]) -> list[KafkaPartition]:
        """Give those of the partitions that this member holds at this moment, as the client's own type."""
        assignment = self._consumer.assignment()
        return [KafkaPartition(*partition) for partition in partitions if partition in assignment]

    def _note_commit(self, offsets: object, outcome: object) -> None:
        if isinstance(outcome, Exception):
            self.commit_failures += 1
            if not self._fails_to_commit:  # the first one tells
                log.info("kafka_commit_failed", offsets=str(offsets), error=said(outcome))
        self._fails_to_commit = isinstance(outcome, Exception)


class _Answered:
    """A join that was answered, in a shape that kafka-python still waits for."""

    is_done = False

    def __init__(self, join: Any) -> None:
        self.add_callback = join.add_callback
        self.add_errback = join.add_errback


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python is untyped
    """Notes rebalances in order; runs on the client's I/O thread, where nothing may wait."""

    def __init__(self, consumer: KafkaConsumer, changes: Changes) -> None:
        self._consumer = consumer
        self._changes = changes

    def on_partitions_assigned(self, assigned: Iterable[KafkaPartition]) -> None:
        for partition in assigned:
            self._consumer.pause(partition)
            self._consumer.seek(partition, 0)  # any position will do: without one the client asks the broker
        self._changes.note((TopicPartition(*at) for at in assigned), is_assigned=True)

    def on_partitions_revoked(self, revoked: Iterable[KafkaPartition]) -> None:
        self._changes.note((TopicPartition(*at) for at in revoked), is_assigned=False)


def _slices(timeout_s: float) -> Iterator[int]:
    """Cut a wait into parts, at least one."""
    left_ms = round(timeout_s * 1000)
    while left_ms > SLICE_MS:
        yield SLICE_MS
        left_ms -= SLICE_MS
    yield max(left_ms, 0)
