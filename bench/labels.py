"""What labels cost: `driftd run` without them, with them, and with a challenger: `make bench-labels`.

Every prediction has its label, so there are twice as many messages to read, and a client takes as long to
read a label as a prediction. Throughput is messages per second, therefore; predictions per second are printed
beside it.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from rich.console import Console
from rich.table import Table

from bench.messages import frame, messages
from bench.throughput import CLIENTS, PARTITIONS, measure
from monitor.clock import SystemClock
from monitor.config import load
from monitor.references import built, stored
from monitor.store.sql import open_store
from tests.services.kafka_server import KafkaServer
from tests.services.postgres import PostgresServer

ROWS = 200_000
ROUNDS = 3
LABEL_AFTER_MS = 60_000
WANTED_LABELS, WANTED_CHALLENGER = 0.7, 0.95
KINDS = {"without": "without labels", "labels": "labels, join, ADWIN", "challenger": "and a challenger"}
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
state_dir = "state-{name}"
[models.bench]
topics = ["bench"]
{labels}
window = "1h"
[models.bench.fields]
preset = "nested"
{challenger}
"""


def labelled(rows: int, seed: int) -> pd.DataFrame:
    """Rows whose label is what the prediction says in nine of ten cases."""
    made = frame(rows, seed)
    wrong = np.random.default_rng(seed + 100).random(rows) < 0.1
    return made.assign(label=made["prediction"] ^ wrong)


def preload(bootstrap: str, rows: int) -> None:
    """Fill both topics in time order; a label is in the partition of its prediction."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in ("bench", "bench-labels")])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=50, batch_size=262_144)
    labels = labelled(rows, seed=2)[["id", "timestamp", "label"]].to_dict("records")
    for i, (message, label) in enumerate(zip(messages(rows, seed=2), labels, strict=True)):
        producer.send("bench", message, partition=i % PARTITIONS)
        label["timestamp"] += LABEL_AFTER_MS
        producer.send("bench-labels", msgspec.json.encode(label), partition=i % PARTITIONS)
    producer.flush()
    producer.close()


def prepare(
    folder: Path, bootstrap: str, url: str, kind: str, number: int, client: str = "kafka-python"
) -> Path:
    """Make the configuration and the reference of one run, in a schema of its own."""
    name = f"{client.replace('-', '_')}_{kind}_{number}"
    path = folder / f"{name}.toml"
    path.write_text(
        CONFIG.format(
            bootstrap=bootstrap,
            url=url,
            name=name,
            client=client,
            labels="" if kind == "without" else 'labels_topics = ["bench-labels"]',
            challenger="[models.bench.challenger]" if kind == "challenger" else "",
        )
    )
    training = folder / "training.parquet"
    if not training.exists():
        labelled(10_000, seed=1).to_parquet(training)
    config = load(path, {}).config
    store = open_store(config.database.url.reveal(), config.database.schema)
    store.upgrade_schema()
    now = SystemClock().now()
    store.add_reference(stored(built("bench", config.models["bench"], training, now), active=True))
    store.close_connections()
    return path


def report(results: dict[tuple[str, str], list[dict[str, Any]]], rows: int) -> bool:
    """Print predictions per second, and the ratios measured in the same rounds; tell whether they suffice."""
    console = Console(width=100)
    table = Table("", "", "predictions/s", "CPU s per 1M predictions", title=f"{rows:,} predictions")
    for (client, kind), runs in results.items():
        wall = statistics.median(rows / one["wall_s"] for one in runs)
        cpu = statistics.median(one["cpu_s"] for one in runs) / rows * 1e6
        table.add_row(client, KINDS[kind], f"{wall:,.0f}", f"{cpu:.2f}")
    console.print(table)
    good = True
    for client in CLIENTS:
        _stages(console, client, results[client, "labels"], rows)
        by_kind = {kind: results[client, kind] for kind in KINDS}
        of = f"{client}: labels/without"
        good &= _ratio(console, f"{of}, messages per second", by_kind, "labels", "without", 2, WANTED_LABELS)
        _ratio(console, f"{of}, predictions per second", by_kind, "labels", "without")
        good &= _ratio(
            console,
            f"{client}: challenger/labels, predictions per second",
            by_kind,
            "challenger",
            "labels",
            wanted=WANTED_CHALLENGER,
        )
    return good


def _ratio(
    console: Console,
    what: str,
    results: dict[str, list[dict[str, Any]]],
    kind: str,
    base: str,
    messages_each: int = 1,
    wanted: float = 0.0,
) -> bool:
    """Print the ratio of throughputs in the same rounds, and beside it that of CPU times."""
    both = list(zip(results[kind], results[base], strict=True))
    ratios = sorted(messages_each * b["wall_s"] / k["wall_s"] for k, b in both)
    cpu = statistics.median(messages_each * b["cpu_s"] / k["cpu_s"] for k, b in both)
    ratio: float = statistics.median(ratios)
    rounds = ", ".join(f"{each:.2f}" for each in ratios)
    limit = f"; wanted: at least {wanted}" if wanted else ""
    console.print(f"{what}: {ratio:.2f} (rounds: {rounds}; by CPU time {cpu:.2f}){limit}")
    return ratio >= wanted


def _stages(console: Console, client: str, runs: list[dict[str, Any]], rows: int) -> None:
    table = Table(f"stage with labels, {client}", "CPU s per 1M predictions")
    for name in sorted({name for one in runs for name in one["stages"]}):
        spent = statistics.median(one["stages"].get(name, 0.0) for one in runs)
        table.add_row(name, f"{spent / rows * 1e6:.2f}")
    console.print(table)


def main() -> None:
    """Fill the topics of a Kafka started for this, and measure every kind in turn."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with KafkaServer() as kafka, PostgresServer() as postgres, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        preload(kafka.bootstrap, rows)
        results: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for number, client, kind in itertools.product(range(ROUNDS), CLIENTS, KINDS):
            config = prepare(folder, kafka.bootstrap, postgres.url, kind, number, client)
            measured = measure("whole", config, rows if kind == "without" else 2 * rows)
            results.setdefault((client, kind), []).append(measured)
        sys.exit(0 if report(results, rows) else 1)


if __name__ == "__main__":
    main()
