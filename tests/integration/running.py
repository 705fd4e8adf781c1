"""`driftd run` as a process of its own, on a real Kafka and a real Postgres."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic

from monitor.clock import SystemClock
from monitor.config import load
from monitor.references import built, stored
from monitor.source.base import TopicPartition
from monitor.store.base import Store
from monitor.store.sql import open_store
from tests.services.waiting import until

CONFIG = """
[kafka]
bootstrap_servers = ["{bootstrap}"]
group_id = "{group}"
start = "earliest"
[kafka.options]
session_timeout_ms = 6000
heartbeat_interval_ms = 1000
[database]
url = "{url}"
schema = "{schema}"
[service]
http = ""
log_format = "json"
commit_interval = "100ms"
[limits]
batch_rows = 2000
batch_interval = "100ms"
[models.loans]
topics = ["{topic}"]
idle_after = "1s"
"""


@dataclass(frozen=True)
class World:
    """A topic, a database schema and a configuration that joins them."""

    config: Path
    topic: str
    store: Store
    log: Path


def topic_of(
    bootstrap: str,
    values: Iterable[bytes],
    partitions: int,
    places: Iterable[int] | None = None,
    *,
    replicas: int = 1,
    max_message_bytes: int = 1_048_588,
) -> str:
    """Make a topic that holds these messages in order, dealt round over its partitions or put where told."""
    topic = f"t-{uuid4().hex[:12]}"
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    configs = {"max.message.bytes": str(max_message_bytes)}
    admin.create_topics([NewTopic(topic, partitions, replicas, topic_configs=configs)])
    admin.close()
    send_to(bootstrap, topic, values, partitions, places)
    return topic


def send_to(
    bootstrap: str, topic: str, values: Iterable[bytes], partitions: int, places: Iterable[int] | None = None
) -> None:
    """Put more messages into a topic, dealt round or put where told."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=20, batch_size=16_384)
    for place, value in zip(itertools.count() if places is None else places, values, strict=False):
        producer.send(topic, value, partition=place % partitions)
    producer.flush()
    producer.close()


def world(
    folder: Path, bootstrap: str, url: str, topic: str, training: Path, extra: str = "", model: str = ""
) -> World:
    """Write a configuration, migrate a schema of its own, and store the reference."""
    name = uuid4().hex[:8]
    path = folder / f"{name}.toml"
    servers = bootstrap.replace(",", '", "')
    text = CONFIG.format(bootstrap=servers, group=f"g-{name}", url=url, schema=f"s_{name}", topic=topic)
    path.write_text(text + model + extra)
    config = load(path, {}).config
    store = open_store(url, f"s_{name}")
    store.upgrade_schema()
    reference = built("loans", config.models["loans"], training, SystemClock().now())
    store.add_reference(stored(reference, active=True))
    return World(path, topic, store, folder / f"{name}.log")


MONITOR = ("-m", "monitor")
NOTHING_MORE: Mapping[str, str] = MappingProxyType({})


@contextmanager
def service(
    at: World, entry: Sequence[str] = MONITOR, environ: Mapping[str, str] = NOTHING_MORE
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the service; kill it at the end if it has not stopped by then.

    ``entry`` says what Python runs, ``environ`` what this process has in its environment beside the others.
    """
    with at.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *entry, "run", "--config", str(at.config)],
            stdout=log,
            stderr=log,
            env={**os.environ, "COLUMNS": "200", **environ},
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def starts(at: World) -> int:
    """How often the service has come up: before that, a signal to stop just ends Python."""
    return at.log.read_text().count('"event":"started"') if at.log.exists() else 0


def position(at: World, partitions: int) -> int:
    """How many messages have been committed."""
    return sum(at.store.cursors([TopicPartition(at.topic, i) for i in range(partitions)]).values())


def run_to_the_end(at: World, messages: int, partitions: int, limit_s: float = 120.0) -> None:
    """Run until everything is committed and judged, then stop by SIGTERM and see that it stops well."""
    before = starts(at)
    with service(at) as process:
        until(
            lambda: process.poll() is not None or (starts(at) > before and is_done(at, messages, partitions)),
            "everything committed and judged",
            limit_s,
            0.2,
        )
        assert process.poll() is None, at.log.read_text()[-3_000:]
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0, at.log.read_text()[-3_000:]


def is_done(at: World, messages: int, partitions: int) -> bool:
    """Whether everything is committed and judged."""
    if position(at, partitions) < messages:
        return False
    with at.store.lock("loans") as lock:
        return lock is not None and not lock.open_starts()


UNSTABLE = {"evaluated_at", "closed_at", "notified", "notified_at", "built_at", "config_hash"}


def stable(value: Any) -> Any:
    """Give a row, or what an alert notes of one, without the columns that say when or by which deployment."""
    return {k: v for k, v in value.items() if k not in UNSTABLE} if isinstance(value, dict) else value


def results(store: Store, views: Sequence[str]) -> dict[str, list[tuple[tuple[str, Any], ...]]]:
    """Each view's rows, in an order of their own, as far as they are `stable`."""
    return {
        view: sorted(
            (tuple((k, stable(v)) for k, v in stable(row).items()) for row in store.view(view)),  # type: ignore[arg-type]
            key=str,
        )
        for view in views
    }
