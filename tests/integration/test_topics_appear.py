"""Topics that appear while the service runs, or while it does not: all their rows count, from the first."""

from __future__ import annotations

import signal
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from kafka import KafkaAdminClient, KafkaConsumer
from kafka import TopicPartition as KafkaPartition
from kafka.admin import NewTopic

from monitor.source.base import TopicPartition
from tests.integration.labelled import PARTITIONS, labelled_log, labelled_world, run_until_settled
from tests.integration.running import World, send_to, service
from tests.monitor.labelled_worlds import rows_of_hours
from tests.monitor.worlds import HOUR_MS
from tests.services.postgres_fixtures import Databases
from tests.services.waiting import until

HOURS, PER_HOUR = 9, 60
POISON = [b"{broken %d" % number for number in range(5)]
MODEL = 'window = "1h"\nwindows_up_to = "1h"\nlabels_wait = "2d"\n'
OPTIONS = {
    "kafka-python": {"METADATA_MAX_AGE_MS": "500"},
    "librdkafka": {"TOPIC_METADATA_REFRESH_INTERVAL_MS": "500"},
}


class Log:
    """A log of predictions and labels that goes on in one pair of topics after the other."""

    def __init__(self, bootstrap: str, at: str) -> None:
        self.bootstrap, self.at = bootstrap, at
        self.predictions, self.labels = labelled_log(HOURS, PER_HOUR)

    def make(self, *names: str) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names])
        admin.close()

    def send_part(self, number: int, topics: tuple[str, str]) -> int:
        """Send a third of the predictions, and their labels; give how many messages that was."""
        size = len(self.predictions) // 3
        mine = range(number * size, (number + 1) * size)
        labels = [label for label in self.labels if int(label["id"].strip("rnobdy")) in mine]
        return self.send(topics[0], self.predictions[mine.start : mine.stop]) + self.send(topics[1], labels)

    def send(self, topic: str, rows: Sequence[Mapping[str, Any]]) -> int:
        places = [zlib.crc32(str(row["id"]).encode()) for row in rows]
        send_to(self.bootstrap, topic, map(msgspec.json.encode, rows), PARTITIONS, places)
        return len(rows)

    def dead(self, topic: str) -> int:
        """How many messages a topic has; none when it is not there."""
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap)
        found = consumer.partitions_for_topic(topic) if topic in consumer.topics() else ()
        ends = consumer.end_offsets([KafkaPartition(topic, number) for number in found]) if found else {}
        consumer.close()
        return sum(ends.values())


def configured(folder: Path, bootstrap: str, url: str, at: str, client: str) -> World:
    training = folder / "training.parquet"
    frame = rows_of_hours(20, 500, 1, lambda _: 0.1)
    frame["timestamp"] = frame.pop("time_ms") - 1_000 * HOUR_MS
    frame.to_parquet(training)
    patterns = f"^{at}[.]p[.].*", f"^{at}[.]l[.].*"
    made = labelled_world(folder, bootstrap, url, patterns, training, MODEL)
    text = made.config.read_text()
    text = text.replace(f'topics = ["{patterns[0]}"', f'topics = ["{at}.listed", "{patterns[0]}"')
    dead = f'start = "latest"\nclient = "{client}"\ndead_letters = "{{topic}}.dlq"'
    text = text.replace('start = "earliest"', dead).replace('idle_after = "1s"', 'idle_after = "1h"')
    made.config.write_text(text)
    return made


def messages(world: World, *topics: str) -> int:
    """How many messages of these topics have been committed."""
    places = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
    return sum(world.store.cursors(places).values())


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("client", ["kafka-python", "librdkafka"])
def test_every_row_of_topics_that_appear_counts_once_and_dead_letters_are_not_read(
    client: str, kafka_bootstrap: str, postgres_databases: Databases, tmp_path: Path
) -> None:
    at = f"t{uuid4().hex[:10]}"
    log = Log(kafka_bootstrap, at)
    world = configured(tmp_path, kafka_bootstrap, postgres_databases.empty(), at, client)
    environ = {f"DRIFTD__KAFKA__OPTIONS__{key}": value for key, value in OPTIONS[client].items()}
    old, new = (f"{at}.p.old", f"{at}.l.old"), (f"{at}.p.new", f"{at}.l.new")
    listed = f"{at}.listed", f"{at}.l.listed"

    log.make(*old)
    before = log.send(old[0], [row | {"id": f"before {row['id']}"} for row in log.predictions[:50]])
    with service(world, environ=environ) as process:
        until(lambda: messages(world, *old) == before, "what was there is passed over", 90)
        sent = before + log.send_part(0, old)
        until(lambda: messages(world, *old) == sent, "what came since is read", 90)
        log.make(*new, f"{new[0]}.dlq")  # which the pattern would match
        send_to(kafka_bootstrap, new[0], POISON, PARTITIONS)
        more = len(POISON) + log.send_part(1, new)
        until(lambda: messages(world, *new) == more, "topics that patterns match are read", 90)
        until(lambda: log.dead(f"{new[0]}.dlq") == len(POISON), "dead letters are told", 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, world.log.read_text()[-3_000:]

    log.make(*listed)  # while nobody runs
    last = log.send_part(2, listed)
    with service(world, environ=environ):
        until(lambda: messages(world, *listed) == last, "topics that appeared meanwhile are read", 90)
    world.config.write_text(world.config.read_text().replace('idle_after = "1h"', 'idle_after = "1s"'))
    run_until_settled(world, (old[0], new[0]), messages(world, old[0], new[0]), environ=environ)

    windows, labels = world.store.view("window_history"), world.store.view("label_history")
    assert sum(row["rows"] for row in windows) == len(log.predictions)
    assert sum(row["late"] for row in windows) == 0
    assert sum(row["labelled"] for row in labels) == len(log.predictions) - 2  # for two there are none
    assert len(world.store.view("rejects")) == len(POISON)
    assert messages(world, f"{new[0]}.dlq") == 0
    assert log.dead(f"{new[0]}.dlq.dlq") == 0
    topics = {row["topic"] for row in world.store.view("partitions")}
    assert topics == {*old, *new, *listed}
    world.store.close_connections()
