"""Throughput, CPU and memory of `driftd run` against its Kafka clients alone, side by side: `make bench`."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from rich.console import Console
from rich.table import Table

from bench.messages import frame, messages
from monitor.clock import SystemClock
from monitor.config import load
from monitor.references import built, stored
from monitor.store.sql import open_store
from tests.services.kafka_server import KafkaServer
from tests.services.postgres import PostgresServer

ROWS = 300_000
ROUNDS = 3
PARTITIONS = 4
KINDS = {"bare": "{} poll loop", "decode": "poll and decode", "whole": "driftd run"}
CLIENTS = ("kafka-python", "librdkafka")
CONFIG = """
[kafka]
bootstrap_servers = ["{bootstrap}"]
group_id = "bench-{name}"
client = "{client}"
start = "earliest"
[database]
url = "{url}"
schema = "bench_{name}"
[service]
http = ""
[models.bench]
topics = ["bench"]
window = "1h"
[models.bench.fields]
preset = "nested"
"""


def preload(bootstrap: str, rows: int, partitions: int = PARTITIONS) -> None:
    """Fill the topic, round robin over its partitions, in time order."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic("bench", num_partitions=partitions, replication_factor=1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=50, batch_size=262_144)
    for i, message in enumerate(messages(rows, seed=2)):
        producer.send("bench", message, partition=i % partitions)
    producer.flush()
    producer.close()


def prepare(folder: Path, bootstrap: str, url: str, number: int, client: str = "kafka-python") -> Path:
    """Make the configuration and the reference of one round, in a schema of its own."""
    name = f"{client.replace('-', '_')}_{number}"
    path = folder / f"{name}.toml"
    path.write_text(CONFIG.format(bootstrap=bootstrap, url=url, client=client, name=name))
    training = folder / "training.parquet"
    if not training.exists():
        frame(10_000, seed=1).to_parquet(training)
    config = load(path, {}).config
    store = open_store(config.database.url.reveal(), config.database.schema)
    store.upgrade_schema()
    now = SystemClock().now()
    store.add_reference(stored(built("bench", config.models["bench"], training, now), active=True))
    store.close_connections()
    return path


def measure(kind: str, config: Path, rows: int) -> dict[str, Any]:
    """Run one worker."""
    command = [sys.executable, "-m", "bench.worker", kind, str(config), str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        sys.exit(f"bench.worker {kind} failed:\n{done.stdout}\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def report(results: list[dict[str, Any]], rows: int) -> None:
    """Print medians, the ratios measured in the same rounds, and where the CPU time went."""
    console = Console(width=100)
    table = Table("", "", "rows/s", "CPU s per 1M rows", title=f"{rows:,} rows, medians of {ROUNDS} rounds")
    for client in CLIENTS:
        for kind, name in KINDS.items():
            mine = _of(results, client, kind)
            wall = statistics.median(rows / one["wall_s"] for one in mine)
            cpu = statistics.median(one["cpu_s"] for one in mine) / rows * 1e6
            table.add_row(client, name.format("its"), f"{wall:,.0f}", f"{cpu:.2f}")
    console.print(table)
    for client in CLIENTS:
        _ratio(
            console, f"whole/bare with {client}", _of(results, client, "bare"), _of(results, client, "whole")
        )
    slow, fast = (_of(results, client, "whole") for client in CLIENTS)
    _ratio(console, "whole with librdkafka/whole with kafka-python", slow, fast)
    for client in CLIENTS:
        last = _of(results, client, "whole")
        _stages(console, client, last, rows)
        for one in last:
            (first, rss_first), (end, rss_end) = one["rss_mb"].items()
            console.print(
                f"memory: {rss_first:.0f} MB after {int(first):,} rows, {rss_end:.0f} MB after {int(end):,} "
                f"({rss_end / rss_first - 1:+.1%})"
            )


def _of(results: list[dict[str, Any]], client: str, kind: str) -> list[dict[str, Any]]:
    return [one for one in results if (one["client"], one["kind"]) == (client, kind)]


def _ratio(console: Console, what: str, base: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    pairs = zip(base, other, strict=True)
    ratios = sorted(one["wall_s"] / another["wall_s"] for one, another in pairs)
    console.print(
        f"{what}: {statistics.median(ratios):.2f} (rounds: {', '.join(f'{r:.2f}' for r in ratios)})"
    )


def _stages(console: Console, client: str, runs: list[dict[str, Any]], rows: int) -> None:
    table = Table(f"stage of driftd run with {client}", "CPU s per 1M rows", "share")
    total = statistics.median(one["cpu_s"] for one in runs)
    names = sorted({name for one in runs for name in one["stages"]})
    stages = {name: statistics.median(one["stages"].get(name, 0.0) for one in runs) for name in names}
    stages["other threads (network, checksums)"] = statistics.median(
        one["cpu_s"] - one["main_cpu_s"] for one in runs
    )
    for name, spent in sorted(stages.items(), key=lambda item: -item[1]):
        table.add_row(name, f"{spent / rows * 1e6:.2f}", f"{spent / total:.0%}")
    console.print(table)


def main() -> None:
    """Fill a topic of a Kafka started for this, and measure every kind of worker in turn."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with KafkaServer() as kafka, PostgresServer() as postgres, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        preload(kafka.bootstrap, rows)
        results = []
        for number in range(ROUNDS):
            for client in CLIENTS:
                config = prepare(folder, kafka.bootstrap, postgres.url, number, client)
                results += [{**measure(kind, config, rows), "client": client} for kind in KINDS]
        report(results, rows)


if __name__ == "__main__":
    main()
