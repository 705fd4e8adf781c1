"""One measured process: a bare poll loop, poll and decode, or the whole service. Prints one line of JSON."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import confluent_kafka
import psutil
from kafka import KafkaConsumer
from kafka import TopicPartition as KafkaPartition

from monitor.clock import SystemClock
from monitor.collector import relieved
from monitor.compile import plans_of
from monitor.config import Kafka, Loaded, load
from monitor.log import configure
from monitor.runtime import assemble
from monitor.source.base import Chunk, TopicPartition
from monitor.source.librdkafka.client import DEFAULTS
from monitor.source.librdkafka.records import chunks_of
from monitor.store.sql import open_store

LIMIT_S = 300.0


class Stages:
    """CPU time of the main thread, by what it was spent on."""

    def __init__(self) -> None:
        self.cpu_s: dict[str, float] = {}
        self._inner = 0.0

    def watch(self, owner: Any, method: str, stage: str) -> None:
        """Charge a method's time to a stage, less the time of watched methods inside it."""
        call: Callable[..., Any] = getattr(owner, method)

        def timed(*args: Any, **kwargs: Any) -> Any:
            outer, self._inner = self._inner, 0.0
            begun = time.thread_time()
            try:
                return call(*args, **kwargs)
            finally:
                spent = time.thread_time() - begun
                self.cpu_s[stage] = self.cpu_s.get(stage, 0.0) + spent - self._inner
                self._inner = outer + spent

        setattr(owner, method, timed)


def bare(loaded: Loaded, rows: int, *, decode: bool) -> dict[str, Any]:
    """The client's consumer at its best settings, with or without our decoder."""
    kafka = loaded.config.kafka
    model = next(iter(loaded.config.models))
    topic = loaded.config.models[model].topics[0]
    store = open_store(loaded.config.database.url.reveal(), loaded.config.database.schema)
    decoder = plans_of(loaded.config, store)[model].decoder
    now = SystemClock().now()
    seen, begun, cpu = 0, 0.0, 0.0
    for chunks in _POLLS[kafka.client](kafka, topic):
        if chunks and not begun:
            begun, cpu = time.perf_counter(), time.process_time()
        for chunk in chunks:
            seen += len(chunk.records)
            if decode:
                decoder.decode(chunk, now)
        if seen >= rows:
            break
    return {"wall_s": time.perf_counter() - begun, "cpu_s": time.process_time() - cpu}


def _kafka_python(kafka: Kafka, topic: str) -> Iterator[list[Chunk]]:
    consumer = KafkaConsumer(
        bootstrap_servers=list(kafka.bootstrap_servers),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=kafka.max_poll_records,
        metrics_enabled=False,
    )
    consumer.assign([KafkaPartition(topic, i) for i in consumer.partitions_for_topic(topic)])
    while True:
        polled = consumer.poll(timeout_ms=250)
        yield [Chunk(TopicPartition(*at), records) for at, records in polled.items()]


def _librdkafka(kafka: Kafka, topic: str) -> Iterator[list[Chunk]]:
    settings = {**DEFAULTS, "bootstrap.servers": ",".join(kafka.bootstrap_servers), "group.id": "bench"}
    consumer = confluent_kafka.Consumer({**settings, "enable.auto.commit": False})
    numbers = consumer.list_topics(topic).topics[topic].partitions
    consumer.assign([confluent_kafka.TopicPartition(topic, i, 0) for i in numbers])
    while True:
        yield list(chunks_of(consumer.consume(kafka.max_poll_records, 0.25)))


_POLLS: dict[str, Callable[[Kafka, str], Iterator[list[Chunk]]]] = {
    "kafka-python": _kafka_python,
    "librdkafka": _librdkafka,
}


def whole(loaded: Loaded, rows: int) -> dict[str, Any]:
    """`driftd run`, until every row is counted and committed."""
    clock = SystemClock()
    configure(clock, "json", "warning")
    stop = threading.Event()
    stages = Stages()
    with assemble(loaded, {}, clock, Random(1), stop) as running, relieved():
        engine, loop = running.engine, running.loop
        _watch(stages, running)
        memory: dict[int, float] = {}
        seen, begun, cpu, main_cpu = 0, 0.0, 0.0, 0.0
        while seen < rows and (not begun or time.perf_counter() - begun < LIMIT_S):
            loop.turn(stop)
            read = sum(part.next for part in engine.state.partitions.values())
            if read and not begun:
                begun, cpu, main_cpu = loop_began(stages)
            for mark in (100_000, rows):
                if seen < mark <= read:
                    memory[mark] = psutil.Process().memory_info().rss / 1e6
            seen = read
        loop.finish()
        engine.close_windows()
        return {
            "wall_s": time.perf_counter() - begun,
            "cpu_s": time.process_time() - cpu,
            "main_cpu_s": time.thread_time() - main_cpu,
            "stages": stages.cpu_s,
            "rss_mb": memory,
        }


def loop_began(stages: Stages) -> tuple[float, float, float]:
    """Take the start: everything before the first records (imports, joining the group) is no throughput."""
    del stages
    return time.perf_counter(), time.process_time(), time.thread_time()


def _watch(stages: Stages, running: Any) -> None:
    import monitor.closing  # noqa: PLC0415
    import monitor.intake  # noqa: PLC0415

    stages.watch(running.engine.source, "poll", "poll")
    for plan in running.plans.values():
        stages.watch(plan.decoder, "decode", "decode")
    stages.watch(monitor.intake, "summarise", "detectors")
    stages.watch(monitor.closing, "judge", "detectors")
    stages.watch(monitor.closing, "check", "detectors")
    stages.watch(monitor.intake, "encode", "encode")
    stages.watch(running.store, "commit", "database")
    for plan in running.plans.values():
        if plan.labels is not None:
            stages.watch(plan.labels.decoder, "decode", "decode labels")
    if running.engine.join is not None:
        for method in ("meet", "with_shares", "committed"):
            stages.watch(running.engine.join, method, f"join: {method}")
    stages.watch(running.engine, "take", "windows")
    stages.watch(running.engine, "commit", "windows")
    stages.watch(running.engine, "close_windows", "closing")


def main() -> None:
    """Measure what the command line names: the kind, the configuration and how many rows to wait for."""
    kind, config, rows = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    loaded = load(config, os.environ)
    result = whole(loaded, rows) if kind == "whole" else bare(loaded, rows, decode=kind == "decode")
    print(json.dumps({"kind": kind, "rows": rows, **result}))


if __name__ == "__main__":
    main()
