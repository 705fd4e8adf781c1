from __future__ import annotations

from collections.abc import Iterator

import pytest

from monitor.broker import EmbeddedBroker
from monitor.errors import SourceError
from monitor.source.base import Message, Record, TopicPartition
from monitor.source.clients import ClientName
from monitor.source.kafka import error_headers
from tests.services.source_worlds import KafkaWorld, Reader, poll_until

ORIGIN = TopicPartition("predictions", 3)
HEADERS = error_headers(ORIGIN, 17, "decode", "not_json", "unexpected end of input: “")


@pytest.fixture(params=["kafka-python", "librdkafka"])
def client(request: pytest.FixtureRequest) -> ClientName:
    name: ClientName = request.param
    return name


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.integration)])
def world(request: pytest.FixtureRequest, client: ClientName) -> Iterator[KafkaWorld]:
    if request.param == "kafka":
        made = KafkaWorld(request.getfixturevalue("kafka_bootstrap"), client)
        yield made
        made.close()
        return
    with EmbeddedBroker() as broker:
        made = KafkaWorld(broker.bootstrap, client)
        yield made
        made.close()


def delivered(world: KafkaWorld, *records: Message) -> list[Record]:
    """Send dead letters and read them back."""
    topic = world.topic()
    letters = world.client.letters([world.bootstrap], {})
    for record in records:
        letters.send(topic, record, HEADERS)
    letters.flush()
    letters.close()
    partition = TopicPartition(topic, 0)
    reader = Reader(world.source(topic), starts={})
    poll_until(lambda: len(reader.values(partition)) == len(records), "the dead letters", reader)
    return list(reader.records[partition])


def test_a_dead_letter_is_the_message_with_the_reason_in_its_headers(world: KafkaWorld) -> None:
    sent = Message(17, b'{"x": ', b"key", 1_700_000_000_123, [("trace", b"abc"), ("none", None)])
    (letter,) = delivered(world, sent)
    assert (letter.key, letter.value, letter.timestamp) == (sent.key, sent.value, sent.timestamp)
    assert letter.headers[:2] == [("trace", b"abc"), ("none", b"")]
    assert {name: (text or b"").decode() for name, text in letter.headers[2:]} == {
        "__driftd.errors.topic": "predictions",
        "__driftd.errors.partition": "3",
        "__driftd.errors.offset": "17",
        "__driftd.errors.stage": "decode",
        "__driftd.errors.reason": "not_json",
        "__driftd.errors.message": "unexpected end of input: “",
    }


def test_tombstones_travel_with_and_without_a_key(world: KafkaWorld) -> None:
    with_key, without = delivered(world, Message(0, None, b"k"), Message(1, None))
    assert (with_key.key, with_key.value) == (b"k", None)
    assert (without.key, without.value) == (None, b"")


@pytest.mark.parametrize("size", [1_048_400, 2_000_000])
def test_what_is_too_large_is_cut_and_says_so(world: KafkaWorld, size: int) -> None:
    (letter,) = delivered(world, Message(0, b"a" * size))
    assert letter.value == b"a" * 1000
    assert ("__driftd.errors.truncated_from_bytes", b"%d" % size) in letter.headers


def test_a_flush_that_cannot_deliver_is_a_source_error(client: ClientName) -> None:
    with EmbeddedBroker() as broker:
        world = KafkaWorld(broker.bootstrap, client)
        topic = world.topic()
        letters = world.client.letters([broker.bootstrap], {})
        letters.send(topic, Message(0, b"one"), HEADERS)
        letters.flush()
        world.close()
    letters.send(topic, Message(1, b"two"), HEADERS)
    with pytest.raises(SourceError, match="dead letters not delivered"):
        letters.flush(0.5)
    letters.close()
