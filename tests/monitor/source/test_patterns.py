"""Topics that are not there yet, listed by name or matched by a pattern, with every client and broker."""

from __future__ import annotations

from uuid import uuid4

from monitor.source.base import Message, TopicPartition
from monitor.topics import Topics
from tests.services.source_worlds import KafkaWorld, Reader, World, poll_until

SOON_MS = 300


def appear(world: World, name: str, partitions: int = 1) -> list[TopicPartition]:
    """Make a topic whose every partition holds three messages."""
    world.topic(partitions, name)
    made = [TopicPartition(name, number) for number in range(partitions)]
    for partition in made:
        world.produce(partition, [Message(offset, b"%d" % offset) for offset in range(3)])
    return made


def has_all(reader: Reader, partitions: list[TopicPartition]) -> bool:
    return all(reader.values(partition) == [b"0", b"1", b"2"] for partition in partitions)


def test_topics_that_appear_later_are_read_from_their_first_message(world: World) -> None:
    at = f"t{uuid4().hex[:8]}"
    source = world.source([f"{at}.listed", rf"^{at}\.all\.(a|b)+$"], metadata_max_age_ms=SOON_MS)
    reader = Reader(source, starts={})
    for _ in range(3):
        reader.poll()
    assert not reader.held
    listed = appear(world, f"{at}.listed", 2)
    poll_until(lambda: has_all(reader, listed), "the topic that is listed", reader)
    matched = appear(world, f"{at}.all.ab", 2)
    poll_until(lambda: has_all(reader, matched), "the topic that the pattern matches", reader)
    appear(world, f"{at}.all.abc")
    again = appear(world, f"{at}.all.ba")
    poll_until(lambda: has_all(reader, again), "one more topic", reader)
    assert reader.held == {*listed, *matched, *again} == source.partitions()
    assert has_all(reader, [*listed, *matched, *again])


def test_two_members_share_out_what_appears(world: World) -> None:
    at = f"t{uuid4().hex[:8]}"
    first = appear(world, f"{at}.first", 2)
    one, two = (
        Reader(world.source(f"^{at}.*", at, metadata_max_age_ms=SOON_MS), starts={}) for _ in range(2)
    )
    poll_until(lambda: len(one.held) == len(two.held) == 1, "one each", one, two)
    more = appear(world, f"{at}.more", 2)
    poll_until(lambda: one.held | two.held == {*first, *more} and len(one.held) == 2, "two each", one, two)
    assert {at.partition for at in one.held} != {at.partition for at in two.held}
    poll_until(lambda: all(has_all(one, [at]) or has_all(two, [at]) for at in more), "all", one, two)


def test_topics_of_dead_letters_and_kafkas_own_are_left_out(world: World) -> None:
    if not isinstance(world, KafkaWorld):
        return
    at = f"t{uuid4().hex[:8]}"
    topics = Topics((f"^({at}|__).*",), "{topic}.dead")
    often = "topic.metadata.refresh.interval.ms" if world.is_librdkafka else "metadata_max_age_ms"
    source = world.client.source([world.bootstrap], at, topics=topics, options={often: SOON_MS})
    reader = Reader(source, starts={})
    appear(world, f"{at}.a.dead")
    read = appear(world, f"{at}.a")
    poll_until(lambda: has_all(reader, read), "the topic beside them", reader)
    assert reader.held == set(read) == source.partitions()
    source.close()


def test_what_is_deleted_goes_and_the_others_stay(world: World) -> None:
    if not isinstance(world, KafkaWorld):
        return
    at = f"t{uuid4().hex[:8]}"
    stays, goes = appear(world, f"{at}.stays"), appear(world, f"{at}.goes")
    reader = Reader(world.source(f"^{at}.*", metadata_max_age_ms=SOON_MS), starts={})
    poll_until(lambda: has_all(reader, [*stays, *goes]), "both", reader)
    world.delete(f"{at}.goes")
    poll_until(lambda: reader.held == set(stays), "one is gone", reader)
    world.produce(stays[0], [Message(3, b"3")])
    poll_until(lambda: reader.values(stays[0])[-1:] == [b"3"], "the other is read on", reader)
