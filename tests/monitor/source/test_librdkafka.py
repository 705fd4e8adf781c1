"""What is librdkafka's alone: its options, its records, and that it is an extra."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaException

from monitor.broker import EmbeddedBroker
from monitor.config import parse
from monitor.errors import ConfigError, SourceError
from monitor.source.base import Message, Polled, TopicPartition
from monitor.source.clients import ClientName, client_of
from monitor.source.kafka import KafkaSource
from monitor.source.librdkafka import client, options
from monitor.source.librdkafka.source import LibrdkafkaSource
from monitor.topics import Topics
from tests.services.kafka_server import free_ports
from tests.services.source_worlds import KafkaWorld, Reader, poll_until

CONFIG = """
[kafka]
bootstrap_servers = ["localhost:9092"]
client = "librdkafka"
[kafka.options]
{options}
[database]
url = "sqlite:///driftd.sqlite"
[models.churn]
topics = ["predictions"]
"""


@pytest.fixture
def world() -> Iterator[KafkaWorld]:
    with EmbeddedBroker() as broker:
        made = KafkaWorld(broker.bootstrap, "librdkafka")
        yield made
        made.close()


def made_with(given: dict[str, Any]) -> None:
    client.made(Consumer, client.consumer_settings(["127.0.0.1:1"], "group", given)).close()


@pytest.mark.parametrize(
    "written",
    [
        'security.protocol = "ssl"\nssl.key.password = "hush"',
        '"security.protocol" = "ssl"\n"ssl.key.password" = "hush"',
        'security_protocol = "ssl"\nssl_key_password = "hush"',
    ],
)
def test_dots_may_be_written_as_toml_tables_quoted_or_as_underscores_and_secrets_are_masked(
    written: str,
) -> None:
    kafka = parse(CONFIG.format(options=written)).kafka
    assert kafka.options == {"security.protocol": "ssl", "ssl.key.password": "hush"}
    assert kafka.shown_options() == {"security.protocol": "ssl", "ssl.key.password": "***"}
    assert "hush" not in repr(kafka)


def test_a_variable_sets_an_option() -> None:
    environ = {"DRIFTD__KAFKA__OPTIONS__SASL_PASSWORD": "hush"}
    assert parse(CONFIG.format(options=""), environ=environ).kafka.options == {"sasl.password": "hush"}


@pytest.mark.parametrize("name", sorted(options.OWNED))
def test_what_driftd_decides_itself_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"{name} cannot be set: .+; remove it"):
        made_with({name: "anything"})
    with pytest.raises(ConfigError, match=rf"{name}.* cannot be passed through: {options.OWNED[name]}"):
        parse(CONFIG.format(options=f'"{name}" = 1'))


@pytest.mark.parametrize(
    ("written", "meant"),
    [("fetch.min.byte", "fetch.min.bytes"), ("security_protocl", "security.protocol"), ("x.y.z", None)],
)
def test_an_unknown_option_names_the_nearest_known_one(written: str, meant: str | None) -> None:
    hint = rf"; did you mean '{meant}'\?$" if meant else "$"
    name = written.replace("_", ".")
    with pytest.raises(ConfigError, match=rf"{name} is not an option of librdkafka's consumer{hint}"):
        made_with({written: 1})


def test_every_name_that_is_suggested_is_known_to_the_client() -> None:
    for name in options.NAMES:
        with pytest.raises((KafkaException, TypeError)) as caught:  # a value that no option takes
            Consumer({"group.id": "x", name: "\udcff" if name == "client.id" else "no such value", "x": 1})
        assert f'"{name}"' not in str(caught.value).partition("No such configuration property")[2], name


def test_a_value_that_the_client_refuses_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match=r"cannot be used with these settings: .*session\.timeout\.ms"):
        made_with({"session.timeout.ms": "soon"})


def test_what_takes_a_function_or_a_missing_file_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"error\.cb takes a function"):
        made_with({"error_cb": "x"})
    with pytest.raises(ConfigError, match=r"ssl\.key\.location: there is no file '/nowhere/key\.pem'"):
        made_with({"ssl.key.location": "/nowhere/key.pem"})


def test_what_driftd_insists_on_and_what_users_may_change() -> None:
    settings = client.consumer_settings(
        ["one:9092", "two:9092"],
        "group",
        {"client_id": "mine", "partition.assignment.strategy": ["range", "roundrobin"]},
    )
    assert settings["bootstrap.servers"] == "one:9092,two:9092"
    assert settings["client.id"] == "mine"
    assert settings["partition.assignment.strategy"] == "range,roundrobin"
    assert settings["isolation.level"] == "read_committed"
    assert settings.items() >= client.FORCED.items()


def test_without_the_package_the_way_to_get_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.startswith("monitor.source.librdkafka.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(ConfigError, match=r"pip install 'driftd\[librdkafka\]', or set kafka\.client"):
        client_of("librdkafka")
    assert client_of("kafka-python").source is KafkaSource


def test_a_broker_that_is_away_is_a_source_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "REQUEST_LIMIT_S", 0.3)
    address = f"127.0.0.1:{free_ports()[0]}"
    with pytest.raises(SourceError, match=rf"Kafka at {address} did not answer: .*check kafka\.boot"):
        LibrdkafkaSource([address], "group", topics=Topics(("t",)))
    with pytest.raises(SourceError, match="did not answer"):
        client.topics([address], {})


def test_what_comes_and_goes_between_two_polls_is_not_mentioned(world: KafkaWorld) -> None:
    partition = TopicPartition(world.topic(), 0)
    world.produce(partition, [Message(offset, b"%d" % offset) for offset in range(3)])
    source = LibrdkafkaSource(
        [world.bootstrap], f"inside-{partition.topic}", topics=Topics((partition.topic,))
    )
    reader = Reader(source, starts={})
    poll_until(lambda: bool(reader.records), "records", reader)
    changes, stranger = source._changes, TopicPartition("stranger", 0)
    changes.note([stranger], is_assigned=True)
    changes.note([stranger, partition], is_assigned=False)
    changes.note([partition], is_assigned=True)
    source.seek({partition: 1})  # of the ownership that has just ended: must not count
    assert source.poll(0, 10) == Polled((), frozenset([partition]), frozenset([partition]))
    assert source.poll(0.15, 10).chunks == ()
    source.close()


def test_a_group_can_be_of_both_clients(world: KafkaWorld) -> None:
    topic = world.topic(4)
    for number in range(4):
        world.produce(TopicPartition(topic, number), [Message(0, b"0")])
    other = KafkaWorld(world.bootstrap, "kafka-python")
    one = Reader(world.source(topic, f"both-{topic}", heartbeat_interval_ms=200), starts={})
    poll_until(lambda: len(one.records) == 4, "the first member reads all", one)
    two = Reader(other.source(topic, f"both-{topic}", heartbeat_interval_ms=200), starts={})
    poll_until(lambda: len(one.held) == len(two.held) == 2, "two each", one, two)
    one.source.close()
    poll_until(lambda: len(two.records) == 4, "the second member reads all", two)
    other.close()


@pytest.mark.integration
def test_the_group_protocol_of_kafka_4_shares_and_hands_over(kafka_bootstrap: str) -> None:
    world = KafkaWorld(kafka_bootstrap, "librdkafka")
    topic = world.topic(4)
    for number in range(4):
        world.produce(TopicPartition(topic, number), [Message(0, b"0")])
    group = f"kip-848-{topic}"
    one = Reader(world.source(topic, group, **{"group.protocol": "consumer"}), starts={})
    poll_until(lambda: len(one.records) == 4, "the first member reads all", one)
    two = Reader(world.source(topic, group, **{"group.protocol": "consumer"}), starts={})
    poll_until(lambda: len(one.held) == len(two.held) == 2, "two each", one, two)
    one.source.close()
    poll_until(lambda: len(two.records) == 4, "the second member reads all", two)
    world.close()


@pytest.mark.integration
@pytest.mark.parametrize("name", ["kafka-python", "librdkafka"])
def test_the_end_of_a_partition_lies_before_a_transactions_mark(
    kafka_bootstrap: str, name: ClientName
) -> None:
    from kafka import KafkaProducer  # noqa: PLC0415

    world = KafkaWorld(kafka_bootstrap, name)
    partition = TopicPartition(world.topic(), 0)
    producer = KafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=f"tx-{partition.topic}")
    producer.init_transactions()
    for value, is_kept in ((b"kept", True), (b"taken back", False)):
        producer.begin_transaction()
        producer.send(partition.topic, value, partition=0)
        producer.flush(20)
        (producer.commit_transaction if is_kept else producer.abort_transaction)()
    producer.close()
    reader = Reader(world.source(partition.topic), starts={})
    poll_until(lambda: reader.source.end_offsets(frozenset([partition])) == {partition: 1}, "the end", reader)
    assert reader.values(partition) == [b"kept"]
    world.close()
