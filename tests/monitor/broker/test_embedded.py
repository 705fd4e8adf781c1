from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka import TopicPartition as KafkaPartition
from kafka.errors import KafkaError, UnknownTopicOrPartitionError

from monitor.broker import EmbeddedBroker, Limits
from monitor.clock import SystemClock
from monitor.source.base import Message, TopicPartition
from tests.services.source_worlds import KafkaWorld, Reader, poll_until


def test_fifty_thousand_messages_go_through_in_seconds() -> None:
    count, value = 50_000, b"x" * 600
    with EmbeddedBroker() as broker:
        world = KafkaWorld(broker.bootstrap)
        topic = world.topic(4)
        producer: Any = KafkaProducer(bootstrap_servers=broker.bootstrap, linger_ms=20, batch_size=1 << 17)
        clock = SystemClock()
        begun = clock.monotonic()
        for number in range(count):
            producer.send(topic, value, partition=number % 4)
        producer.flush(30)
        reader = Reader(world.source(topic), starts={})
        poll_until(lambda: sum(map(len, reader.records.values())) == count, "all messages", reader)
        assert clock.monotonic() - begun < 30  # some 3 s on a quiet machine
        producer.close()
        world.close()


def test_a_stopped_broker_cuts_its_connections_and_frees_its_port() -> None:
    before = set(threading.enumerate())
    broker = EmbeddedBroker()
    broker.start()
    host, port = broker.bootstrap.split(":")
    with socket.create_connection((host, int(port))) as client:
        broker.stop()
        assert client.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))
    broker.stop()
    assert set(threading.enumerate()) <= before
    with EmbeddedBroker(int(port)) as again:
        assert again.bootstrap == f"{host}:{port}"


def test_a_port_that_is_taken_is_an_os_error() -> None:
    with EmbeddedBroker() as broker, pytest.raises(OSError, match="address already in use"):
        EmbeddedBroker(int(broker.bootstrap.split(":")[1])).start()


def test_memory_is_bounded_by_the_limit_per_partition() -> None:
    with EmbeddedBroker(limits=Limits(partition_bytes=100_000)) as broker:
        world = KafkaWorld(broker.bootstrap)
        partition = TopicPartition(world.topic(), 0)
        world.produce(partition, [Message(offset, b"x" * 1000) for offset in range(1000)])
        source = world.source(partition.topic)
        first = source.first_offsets(frozenset([partition]), "earliest")[partition]
        assert 850 < first < 1000
        assert source.first_offsets(frozenset([partition]), "latest") == {partition: 1000}
        world.close()


def test_offsets_are_found_by_time() -> None:
    with EmbeddedBroker() as broker:
        world = KafkaWorld(broker.bootstrap)
        partition = TopicPartition(world.topic(), 0)
        world.produce(partition, [Message(n, b"x", timestamp=1_000_000 + n) for n in range(10)])
        consumer: Any = KafkaConsumer(bootstrap_servers=broker.bootstrap)
        found = consumer.offsets_for_times({KafkaPartition(*partition): 1_000_004})
        assert found[KafkaPartition(*partition)][:2] == (4, 1_000_004)
        consumer.close()
        world.close()


def test_the_first_use_of_a_topic_creates_it_unless_forbidden() -> None:
    for auto_create in (True, False):
        with EmbeddedBroker(limits=Limits(default_partitions=3, auto_create=auto_create)) as broker:
            producer: Any = KafkaProducer(bootstrap_servers=broker.bootstrap, max_block_ms=500)
            if auto_create:
                assert producer.partitions_for("new") == {0, 1, 2}
            else:
                with pytest.raises((UnknownTopicOrPartitionError, KafkaError)):
                    producer.partitions_for("new")
            producer.close()


def test_transactions_are_refused() -> None:
    with EmbeddedBroker() as broker:
        producer: Any = KafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id="t")
        with pytest.raises(KafkaError):
            producer.init_transactions()
        producer.close(1)


def test_nonsense_on_the_socket_hurts_only_its_own_connection() -> None:
    with EmbeddedBroker() as broker:
        host, port = broker.bootstrap.split(":")
        for nonsense in (b"\x7f\xff\xff\xff", b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\x08\x7f\xff\0\0\0\0\0\0"):
            with socket.create_connection((host, int(port)), timeout=5) as client:
                client.sendall(nonsense)
                assert client.recv(1) == b""
        KafkaWorld(broker.bootstrap).close()


def test_the_module_runs_as_a_program_until_it_is_told_to_end() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "monitor.broker", "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            world = KafkaWorld(process.stdout.readline().strip())
            assert world.topic(2)
            world.close()
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_the_program_names_a_port_that_is_taken() -> None:
    with EmbeddedBroker() as broker:
        port = broker.bootstrap.split(":")[1]
        ended = subprocess.run(
            [sys.executable, "-m", "monitor.broker", "--port", port],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert ended.returncode == 1
    assert f"cannot listen on port {port}" in ended.stderr
    assert "choose another with --port" in ended.stderr
