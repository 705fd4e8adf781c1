"""What every `Source` promises, held against memory, the embedded broker and a real Kafka."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from monitor.source.base import Lost, Message, Polled, TopicPartition
from tests.services.source_worlds import MemoryWorld, Reader, World, poll_until
from tests.services.waiting import until

SILENCE_S = 0.15  # long enough for what must not come to come


def numbered(count: int, start: int = 0) -> list[Message]:
    return [Message(offset, b"%d" % offset) for offset in range(start, start + count)]


def filled(world: World, count: int, partitions: int = 1) -> list[TopicPartition]:
    """Make a topic whose every partition holds messages that say their offset."""
    topic = world.topic(partitions)
    made = [TopicPartition(topic, number) for number in range(partitions)]
    for partition in made:
        world.produce(partition, numbered(count))
    return made


def offsets(reader: Reader, partition: TopicPartition) -> list[int]:
    return [record.offset for record in reader.records.get(partition, [])]


def test_records_of_each_partition_come_in_offset_order_and_once(world: World) -> None:
    made = filled(world, 300, partitions=3)
    reader = Reader(world.source(made[0].topic), starts={})
    poll_until(lambda: all(len(offsets(reader, at)) >= 300 for at in made), "900 records", reader)
    for partition in made:
        assert offsets(reader, partition) == list(range(300))
        assert reader.values(partition) == [b"%d" % offset for offset in range(300)]


def test_one_poll_brings_no_more_records_than_asked_for(world: World) -> None:
    (partition,) = filled(world, 50)
    reader = Reader(world.source(partition.topic), starts={})
    while len(offsets(reader, partition)) < 50:
        polled = reader.poll(max_records=7)
        assert sum(len(chunk.records) for chunk in polled.chunks) <= 7
    assert offsets(reader, partition) == list(range(50))


def test_nothing_is_delivered_before_the_partition_is_sought(world: World) -> None:
    made = filled(world, 20, partitions=2)
    reader = Reader(world.source(made[0].topic))
    poll_until(lambda: reader.held == set(made), "both partitions assigned", reader)
    assert [reader.poll(SILENCE_S), reader.poll(SILENCE_S)] == [Polled(), Polled()]
    reader.source.seek({made[0]: 15})
    poll_until(lambda: bool(reader.records), "records of the sought partition", reader)
    assert reader.poll(SILENCE_S) == Polled()
    assert {at: offsets(reader, at) for at in reader.records} == {made[0]: [15, 16, 17, 18, 19]}


def test_a_partition_can_be_sought_back_and_forth(world: World) -> None:
    (partition,) = filled(world, 100)
    reader = Reader(world.source(partition.topic), starts={partition: 90})
    for start in (90, 10, 55, 0, 99):
        reader.records.clear()
        if reader.held:
            reader.source.seek({partition: start})
        poll_until(lambda: offsets(reader, partition)[-1:] == [99], f"records from {start}", reader)
        assert offsets(reader, partition) == list(range(start, 100))


def test_seeking_in_the_middle_of_prefetched_records_leaves_none_of_them(world: World) -> None:
    (partition,) = filled(world, 100)
    reader = Reader(world.source(partition.topic), starts={})
    poll_until(lambda: bool(reader.records), "some records", reader)
    first = reader.source.poll(0.2, 10)
    assert first.chunks == () or first.chunks[0].records[0].offset > 0
    reader.source.seek({partition: 3})
    assert [chunk.records[0].offset for chunk in reader.poll(5.0, 10).chunks] == [3]


def test_seeking_a_partition_that_is_not_held_changes_nothing(world: World) -> None:
    (partition,) = filled(world, 5)
    reader = Reader(world.source(partition.topic), starts={})
    reader.source.seek({TopicPartition("elsewhere", 0): 3, partition: 3})
    poll_until(lambda: bool(reader.records), "records", reader)
    assert offsets(reader, partition)[0] == 0


def test_an_empty_poll_is_empty_and_later_messages_arrive(world: World) -> None:
    topic = world.topic()
    partition = TopicPartition(topic, 0)
    reader = Reader(world.source(topic), starts={})
    poll_until(lambda: reader.held == {partition}, "assignment", reader)
    assert reader.poll(SILENCE_S) == Polled()
    world.produce(partition, numbered(3))
    poll_until(lambda: offsets(reader, partition) == [0, 1, 2], "late messages", reader)


@pytest.mark.parametrize("strategy", ["range", "cooperative-sticky"])
def test_two_members_share_the_partitions_and_hand_over_when_one_leaves(world: World, strategy: str) -> None:
    made = filled(world, 10, partitions=4)
    options: dict[str, Any] = {"partition_assignment_strategy": strategy, "heartbeat_interval_ms": 200}
    if isinstance(world, MemoryWorld):
        world.broker.is_eager = strategy == "range"
        del options["heartbeat_interval_ms"]
    one = Reader(world.source(made[0].topic, f"shared-{made[0].topic}", **options), starts={})
    poll_until(lambda: one.held == set(made), "the first member holds all", one)
    two = Reader(world.source(made[0].topic, f"shared-{made[0].topic}", **options), starts={})
    poll_until(lambda: len(one.held) == len(two.held) == 2, "two each", one, two)
    assert one.held | two.held == set(made)
    revoked = set().union(*(polled.revoked for polled in one.polls))
    assert revoked == set(made) if strategy == "range" else revoked == two.held
    one.source.close()
    poll_until(lambda: two.held == set(made), "the second member holds all", two)
    poll_until(lambda: all(offsets(two, at)[-1:] == [9] for at in made), "records of all", two)


def test_partitions_that_a_topic_gets_later_are_assigned_however_short_the_polls(world: World) -> None:
    made = filled(world, 3)
    reader = Reader(world.source(made[0].topic, metadata_max_age_ms=300), starts={})
    poll_until(lambda: bool(reader.records), "records", reader)
    for partitions in range(2, 5):
        world.widen(made[0].topic, partitions)
        made.append(TopicPartition(made[0].topic, partitions - 1))
        world.produce(made[-1], numbered(3))
        until(
            lambda: bool(reader.poll(0.003)) and len(reader.values(made[-1])) == 3,
            "records of the new partition",
            every_s=0,
        )
    assert all(reader.values(partition) == [b"0", b"1", b"2"] for partition in made)


def test_pause_delivers_nothing_and_keeps_the_membership(world: World) -> None:
    (partition,) = filled(world, 30)
    short = {"session_timeout_ms": 1000, "heartbeat_interval_ms": 200}
    options: dict[str, Any] = {} if isinstance(world, MemoryWorld) else short
    reader = Reader(world.source(partition.topic, **options), starts={})
    poll_until(lambda: bool(reader.records), "records", reader)
    reader.source.pause()
    before = offsets(reader, partition)
    world.produce(partition, numbered(5, start=30))
    for _ in range(2 if isinstance(world, MemoryWorld) else 10):  # longer than the session
        assert reader.poll(SILENCE_S) == Polled()
    assert offsets(reader, partition) == before
    reader.source.resume()
    poll_until(lambda: offsets(reader, partition)[-1:] == [34], "the rest", reader)
    assert offsets(reader, partition) == list(range(35))
    assert not any(polled.revoked for polled in reader.polls)


def test_what_is_assigned_or_sought_during_a_pause_waits_for_its_end(world: World) -> None:
    (partition,) = filled(world, 5)
    reader = Reader(world.source(partition.topic), starts={})
    reader.source.pause()
    poll_until(lambda: reader.held == {partition}, "assignment", reader)
    assert reader.poll(SILENCE_S) == Polled()
    reader.source.seek({partition: 2})
    assert reader.poll(SILENCE_S) == Polled()
    reader.source.resume()
    poll_until(lambda: offsets(reader, partition) == [2, 3, 4], "records", reader)


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_record_arrives_as_it_was_sent(world: World, compression: str | None) -> None:
    topic = world.topic()
    partition = TopicPartition(topic, 0)
    value = json.dumps({"x": 1.5}).encode()
    sent = [
        Message(0, value, b"key", 1_700_000_000_123, [("kind", b"a"), ("kind", b"\xff\x00")]),
        Message(1, None, b"tombstone", 1_700_000_000_000, []),
        Message(2, b"", None, 1_600_000_000_000, []),
        Message(3, gzip.compress(value * 1000, mtime=0), b"", 1_700_000_000_999, [("empty", b"")]),
    ]
    world.produce(partition, sent, compression)
    reader = Reader(world.source(topic), starts={})
    poll_until(lambda: len(offsets(reader, partition)) == 4, "four records", reader)
    received = [
        Message(record.offset, record.value, record.key, record.timestamp, list(record.headers))
        for record in reader.records[partition]
    ]
    assert received == sent


def test_first_offsets_are_those_of_the_broker(world: World) -> None:
    made = filled(world, 8, partitions=2)
    world.trim(made[0], 3)
    source = world.source(made[0].topic)
    assert source.first_offsets(frozenset(made), "earliest") == {made[0]: 3, made[1]: 0}
    assert source.first_offsets(frozenset(made), "latest") == {made[0]: 8, made[1]: 8}
    assert source.first_offsets(frozenset(), "latest") == {}


def test_all_partitions_of_the_topics_are_known_also_those_of_others(world: World) -> None:
    topic, other = world.topic(3), world.topic(1)
    source = world.source(topic)
    assert source.partitions() == {TopicPartition(topic, number) for number in range(3)}
    assert TopicPartition(other, 0) not in source.partitions()


def test_offsets_at_are_those_of_the_first_record_written_then_or_later(world: World) -> None:
    made = filled(world, 0, partitions=2)
    world.produce(made[0], [Message(i, b"{}", None, 1_600_000_000_000 + 1000 * i, []) for i in range(4)])
    source = world.source(made[0].topic)
    for time_ms, offset in ((0, 0), (1_600_000_001_000, 1), (1_600_000_001_001, 2), (1_600_000_003_000, 3)):
        assert source.offsets_at(dict.fromkeys(made, time_ms)) == {made[0]: offset}
    assert source.offsets_at(dict.fromkeys(made, 1_600_000_003_001)) == {}
    assert source.offsets_at({}) == {}


def test_end_offsets_follow_what_the_broker_last_told(world: World) -> None:
    (partition,) = filled(world, 4)
    reader = Reader(world.source(partition.topic), starts={partition: 4})
    assert reader.source.end_offsets(frozenset([partition])) == {}

    def known() -> int | None:
        return reader.source.end_offsets(frozenset([partition])).get(partition)

    poll_until(lambda: known() == 4, "the end", reader)
    world.produce(partition, numbered(3, start=4))
    poll_until(lambda: known() == 7, "the new end", reader)
    assert reader.source.end_offsets(frozenset([TopicPartition("elsewhere", 0)])) == {}


@pytest.mark.parametrize("wanted", [0, 6, 99])
def test_lost_offsets_are_told_once_and_deliver_nothing_until_sought_anew(world: World, wanted: int) -> None:
    made = filled(world, 10, partitions=2)
    world.trim(made[0], 7)
    reader = Reader(world.source(made[0].topic), starts={made[0]: wanted})

    def lost() -> list[Lost]:
        return [loss for polled in reader.polls for loss in polled.lost]

    poll_until(lambda: bool(lost()), "the loss", reader)
    poll_until(lambda: len(offsets(reader, made[1])) == 10, "the other partition goes on", reader)
    assert reader.poll(SILENCE_S) == Polled()
    assert lost() == [Lost(made[0], wanted, 7)]
    assert made[0] not in reader.records
    reader.source.seek({made[0]: 7})
    poll_until(lambda: offsets(reader, made[0]) == [7, 8, 9], "what is still there", reader)


def test_a_position_lost_while_reading_is_told(world: World) -> None:
    (partition,) = filled(world, 10)
    reader = Reader(world.source(partition.topic), starts={})
    poll_until(lambda: len(offsets(reader, partition)) == 10, "ten records", reader)
    reader.source.seek({partition: 2})
    world.trim(partition, 5)
    reader.source.seek({partition: 2})
    poll_until(lambda: reader.polls[-1].lost == (Lost(partition, 2, 5),), "the loss", reader)


def test_a_commit_is_visible_to_another_client(world: World) -> None:
    (partition,) = filled(world, 10)
    group = f"committing-{partition.topic}"
    reader = Reader(world.source(partition.topic, group), starts={})
    poll_until(lambda: bool(reader.records), "records", reader)
    reader.source.commit({partition: 6})
    until(lambda: bool(reader.poll(0.05)) and world.committed(group, partition) == 6, "the commit arrives")


def test_the_committed_offset_does_not_move_the_position(world: World) -> None:
    (partition,) = filled(world, 10)
    group = f"committed-{partition.topic}"
    first = Reader(world.source(partition.topic, group), starts={})
    poll_until(lambda: bool(first.records), "records", first)
    first.source.commit({partition: 6})
    until(lambda: bool(first.poll(0.05)) and world.committed(group, partition) == 6, "the commit arrives")
    first.source.close()
    second = Reader(world.source(partition.topic, group))
    poll_until(lambda: second.held == {partition}, "assignment", second)
    assert second.poll(SILENCE_S) == Polled()
    second.source.seek({partition: 1})
    poll_until(lambda: bool(second.records), "records", second)
    assert offsets(second, partition)[0] == 1
