"""What goes beyond the contract: absent and restarted brokers, static members, rebalances from inside."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from monitor.broker import EmbeddedBroker
from monitor.clock import SystemClock
from monitor.errors import ConfigError, SourceError
from monitor.source.base import Message, Polled, TopicPartition
from monitor.source.clients import ClientName
from monitor.source.kafka import KafkaSource, topics
from monitor.topics import Topics
from tests.services.kafka_server import KafkaServer, KafkaUnavailableError, free_ports
from tests.services.source_worlds import KafkaWorld, Reader, poll_until
from tests.services.waiting import until


class Stoppable(Protocol):
    @property
    def bootstrap(self) -> str: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.integration)])
def stoppable(request: pytest.FixtureRequest) -> Iterator[Stoppable]:
    """Give a broker of the test's own, running."""
    if request.param == "embedded":
        with EmbeddedBroker() as broker:
            yield broker
        return
    request.getfixturevalue("kafka_bootstrap")  # skips or fails when there is no Kafka here
    with KafkaServer() as server:
        yield server


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


def filled(world: KafkaWorld, count: int) -> TopicPartition:
    partition = TopicPartition(world.topic(), 0)
    world.produce(partition, [Message(offset, b"%d" % offset) for offset in range(count)])
    return partition


def test_a_broker_that_is_away_is_a_source_error_in_bounded_time_and_leaves_no_thread() -> None:
    address = f"127.0.0.1:{free_ports()[0]}"
    before = set(threading.enumerate())
    clock = SystemClock()
    begun = clock.monotonic()
    with pytest.raises(SourceError, match=rf"Kafka at {address} did not answer: .*check kafka\.boot"):
        KafkaSource([address], "group", topics=Topics(("t",)), options={"bootstrap_timeout_ms": 500})
    assert clock.monotonic() - begun < 5
    until(lambda: set(threading.enumerate()) <= before, "the client's threads ended", 5)


def test_settings_that_contradict_each_other_are_a_config_error() -> None:
    with pytest.raises(ConfigError, match=r"cannot be used with these settings: .*fetch_max_wait_ms"):
        KafkaSource(["127.0.0.1:1"], "group", topics=Topics(("t",)), options={"fetch_max_wait_ms": 60_000})


def test_a_broker_that_stops_and_starts_again_loses_and_repeats_nothing(
    stoppable: Stoppable, client: ClientName
) -> None:
    first = KafkaWorld(stoppable.bootstrap, client)
    partition = filled(first, 50)
    reader = Reader(first.source(partition.topic), starts={})
    poll_until(lambda: len(reader.values(partition)) == 50, "the first records", reader)
    stoppable.stop()
    for _ in range(5):
        with contextlib.suppress(SourceError):
            assert not reader.poll(0.2).chunks
    stoppable.start()
    second = KafkaWorld(stoppable.bootstrap)
    second.produce(partition, [Message(offset, b"%d" % offset) for offset in range(50, 60)])

    def has_all() -> bool:
        with contextlib.suppress(SourceError):
            reader.poll(0.2)
        return len(reader.values(partition)) >= 60

    until(has_all, "the records after the restart", every_s=0)
    assert reader.values(partition) == [b"%d" % offset for offset in range(60)]
    second.close()
    first.close()


def test_it_is_told_that_the_broker_went_while_it_was_read_from_and_no_more_once_it_is_back(
    stoppable: Stoppable, client: ClientName
) -> None:
    world = KafkaWorld(stoppable.bootstrap, client)
    partition = filled(world, 5)
    reader = Reader(world.source(partition.topic, reconnect_backoff_max_ms=500), starts={})
    poll_until(lambda: len(reader.values(partition)) == 5, "records", reader)
    stoppable.stop()
    with pytest.raises(SourceError, match="Kafka does not answer"):
        poll_until(lambda: False, "told that the broker is away", reader, limit_s=60)
    stoppable.start()

    def answers() -> bool:
        with contextlib.suppress(SourceError):
            reader.poll(3.0)
            return True
        return False

    until(answers, "the broker is back", 60, every_s=0)
    world.close()


def test_closing_takes_bounded_time_when_the_broker_is_gone(client: ClientName) -> None:
    broker = EmbeddedBroker()
    broker.start()
    world = KafkaWorld(broker.bootstrap, client)
    partition = filled(world, 5)
    source = world.source(partition.topic, session_timeout_ms=6_000)
    reader = Reader(source, starts={})
    poll_until(lambda: bool(reader.records), "records", reader)
    broker.stop()
    clock = SystemClock()
    begun = clock.monotonic()
    source.commit({partition: 1})
    source.close()
    assert clock.monotonic() - begun < 10
    world.close()


def test_a_second_process_with_the_same_instance_id_takes_over_and_the_first_is_told(
    world: KafkaWorld,
) -> None:
    partition = filled(world, 5)
    options: dict[str, Any] = {"group_instance_id": "same", "heartbeat_interval_ms": 100}  # known to both
    group = f"static-{partition.topic}"
    one = Reader(world.source(partition.topic, group, **options), starts={})
    poll_until(lambda: len(one.values(partition)) == 5, "the first reads", one)
    two = Reader(world.source(partition.topic, group, **options), starts={})
    poll_until(lambda: len(two.values(partition)) == 5, "the second reads", two)
    one.source.commit({partition: 5})  # a fenced member is not told before it commits
    with pytest.raises(ConfigError, match=r"another process uses this .*group.instance.id"):
        poll_until(lambda: False, "the first is fenced", one, limit_s=5)


def test_a_static_member_that_restarts_causes_no_rebalance_and_new_partitions_are_seen_after_it(
    world: KafkaWorld,
) -> None:
    topic = world.topic(4)
    options: dict[str, Any] = {"heartbeat_interval_ms": 100, "metadata_max_age_ms": 300}

    def member(name: str) -> Reader:
        return Reader(world.source(topic, f"static-{topic}", group_instance_id=name, **options), starts={})

    leader, other = member("a"), member("b")
    poll_until(lambda: len(leader.held) == len(other.held) == 2, "two each", leader, other)
    held, told = leader.held, len(other.polls)
    leader.source.close()
    again = member("a")
    poll_until(lambda: again.held == held, "it has its partitions again", again)
    poll_until(lambda: bool(again.polls[-1:]), "more polls", again, other)
    assert not any(polled.assigned or polled.revoked for polled in other.polls[told:])
    world.widen(topic, 6)
    poll_until(lambda: len(again.held) == len(other.held) == 3, "three each", again, other)


def test_a_misspelt_topic_does_not_come_into_being(world: KafkaWorld) -> None:
    reader = Reader(world.source("mispelt"), starts={})
    for _ in range(3):
        reader.poll(0.2)
    assert "mispelt" not in world.client.topics([world.bootstrap], {})


def test_every_topic_is_listed_with_its_number_of_partitions(world: KafkaWorld) -> None:
    topic = world.topic(3)
    assert world.client.topics([world.bootstrap], {})[topic] == 3


def test_it_is_told_that_nobody_answers() -> None:
    with pytest.raises(SourceError, match="did not answer"):
        topics([f"127.0.0.1:{free_ports()[0]}"], {"bootstrap_timeout_ms": 300})


@pytest.mark.parametrize("client", ["kafka-python"])
def test_what_comes_and_goes_between_two_polls_is_not_mentioned(world: KafkaWorld) -> None:
    partition = filled(world, 3)
    source = KafkaSource([world.bootstrap], f"inside-{partition.topic}", topics=Topics((partition.topic,)))
    changes, stranger = source._changes, TopicPartition("stranger", 0)
    reader = Reader(source, starts={})
    poll_until(lambda: bool(reader.records), "records", reader)
    changes.note([stranger], is_assigned=True)
    changes.note([stranger, partition], is_assigned=False)
    changes.note([partition], is_assigned=True)
    source.seek({partition: 1})  # of the ownership that has just ended: must not count
    polled = source.poll(0, 10)
    assert polled == Polled((), frozenset([partition]), frozenset([partition]))
    assert source.poll(0.15, 10).chunks == ()
    source.close()


def test_a_server_that_cannot_run_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(KafkaUnavailableError, match="no java on the path; get it with: apt-get install"):
        KafkaServer()
