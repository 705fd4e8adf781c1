"""Two `driftd run` for half an hour at a steady rate, with faults: `make soak`, or with MINUTES as argument.

Fails unless every row is counted exactly once, and memory at the end is within 5 % of that after 5 minutes.
"""

from __future__ import annotations

import itertools
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from kafka import KafkaAdminClient, KafkaConsumer
from kafka import TopicPartition as KafkaPartition
from kafka.admin import NewTopic

from bench.messages import frame
from bench.soak_rows import PARTITIONS, TOPIC, Producing
from monitor.clock import SystemClock
from monitor.config import load
from monitor.errors import StoreError
from monitor.references import built, stored
from monitor.source.base import TopicPartition
from monitor.store.base import Store
from monitor.store.sql import open_store
from tests.services.kafka_server import KafkaServer
from tests.services.postgres import PostgresServer
from tests.services.waiting import until

MINUTES = 30.0
BASE_MINUTE = 5.0
TOLERANCE = 0.05
SAMPLE_S = 5.0
EVERY_S = 50.0
"""A fault is begun so often; each has passed after `LASTS_S`."""
LASTS_S = 20.0
CALM_S = 75.0
"""No fault is begun so near the two moments that are compared."""
CLOCK = SystemClock()
CONFIG = """
[kafka]
bootstrap_servers = ["{bootstrap}"]
group_id = "soak"
start = "earliest"
[kafka.options]
session_timeout_ms = 6000
heartbeat_interval_ms = 1000
[database]
url = "{url}"
schema = "soak"
[service]
http = ""
log_format = "json"
[models.soak]
topics = ["soak"]
window = "20s"
lateness = "2s"
idle_after = "2m"
windows_up_to = "160s"
[models.soak.fields]
preset = "nested"
"""


@dataclass
class Service:
    """One `driftd run`, which may be killed and started again."""

    config: Path
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "monitor", "run", "--config", str(self.config)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    @property
    def rss_mb(self) -> float | None:
        """Resident memory; None while it does not run."""
        if self.process is None or self.process.poll() is not None:
            return None
        return float(psutil.Process(self.process.pid).memory_info().rss / 1e6)

    def check(self) -> None:
        """Fail when it has ended by itself."""
        if self.process is not None and self.process.poll() not in {None, -9}:
            sys.exit(f"driftd run ended by itself:\n{self.log.read_text(encoding='utf-8')[-3_000:]}")


@dataclass
class Soak:
    """The world that is soaked: services, producer, faults, and what was measured."""

    kafka: KafkaServer
    postgres: PostgresServer
    store: Store
    steady: Service
    victim: Service
    producing: Producing
    minutes: float
    samples: list[tuple[float, float]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def run(self) -> None:
        begun = CLOCK.monotonic()
        end_s, base_s = self.minutes * 60, base_minute(self.minutes) * 60
        fault = self._faults()
        next_fault_s, told = EVERY_S, 0
        print(f"{'minute':>6} {'steady MB':>10} {'victim MB':>10} {'rows read':>11} {'lag':>8}  faults")
        while (now_s := CLOCK.monotonic() - begun) < end_s:
            near = min(abs(now_s + LASTS_S - base_s), abs(now_s + LASTS_S - end_s))
            if now_s >= next_fault_s:
                next_fault_s += EVERY_S
                if near > CALM_S:
                    self.faults.append(next(fault)())
            self.steady.check()
            rss_mb = self.steady.rss_mb
            if rss_mb is not None:
                self.samples.append((CLOCK.monotonic() - begun, rss_mb))
            if now_s // 60 >= told:
                told += 1
                self._tell(now_s)
            threading.Event().wait(SAMPLE_S)

    def _faults(self) -> Iterator[Callable[[], str]]:
        return itertools.cycle([self._kill, self._slow, self._broker, self._database, self._poison])

    def _kill(self) -> str:
        self.victim.kill()
        threading.Event().wait(5)
        self.victim.start()
        return "killed"

    def _slow(self) -> str:
        self.producing.slow.set()
        threading.Timer(45, self.producing.slow.clear).start()
        return "slow partition"

    def _broker(self) -> str:
        self.kafka.stop()
        threading.Event().wait(8)
        self.kafka.start()
        return "broker"

    def _database(self) -> str:
        self.postgres.stop()
        threading.Event().wait(6)
        self.postgres.start()
        return "database"

    def _poison(self) -> str:
        self.producing.poison.set()
        threading.Timer(15, self.producing.poison.clear).start()
        return "poison"

    def _tell(self, now_s: float) -> None:
        try:
            rows = self.store.progress_rows()
        except StoreError:
            rows = []
        read = sum(row["next_offset"] for row in rows)
        lag = sum(max(0, (row["log_end"] or 0) - row["next_offset"]) for row in rows)
        steady, victim = (f"{each.rss_mb or 0:.1f}" for each in (self.steady, self.victim))
        faults, self.faults = ", ".join(self.faults), []
        print(f"{now_s / 60:6.1f} {steady:>10} {victim:>10} {read:11,} {lag:8,}  {faults}", flush=True)

    def memory_mb(self, minute: float) -> float:
        """Give the median over the minute that ends then."""
        near = [rss for at, rss in self.samples if (minute - 1) * 60 <= at <= minute * 60]
        return statistics.median(near)


def base_minute(minutes: float) -> float:
    """When memory is looked at first: after five minutes, sooner in a short run."""
    return min(BASE_MINUTE, max(1.0, minutes / 3))


def prepare(folder: Path, bootstrap: str, url: str) -> tuple[Path, Store]:
    """Make the topic, the configuration, the schema and the reference."""
    admin: Any = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(TOPIC, num_partitions=PARTITIONS, replication_factor=1)])
    admin.close()
    path = folder / "config.toml"
    path.write_text(CONFIG.format(bootstrap=bootstrap, url=url), encoding="utf-8")
    training = folder / "training.parquet"
    frame(10_000, seed=1).to_parquet(training)
    config = load(path, {}).config
    store = open_store(config.database.url.reveal(), config.database.schema)
    store.upgrade_schema()
    store.add_reference(stored(built("soak", config.models["soak"], training, CLOCK.now()), active=True))
    return path, store


def ends(bootstrap: str) -> dict[TopicPartition, int]:
    """Ask the broker how many messages there are."""
    consumer: Any = KafkaConsumer(bootstrap_servers=bootstrap)
    found = consumer.end_offsets([KafkaPartition(TOPIC, number) for number in range(PARTITIONS)])
    consumer.close()
    return {TopicPartition(*at): end for at, end in found.items()}


def counted(soak: Soak) -> tuple[int, int]:
    """Wait until all is read and judged; give how many messages there are, and how many were counted."""
    last = ends(soak.kafka.bootstrap)
    until(lambda: soak.store.cursors(last) == last, "everything read", 300, 1.0)
    until(lambda: not soak.store.open_windows(last), "everything judged", 300, 1.0)
    windows = soak.store.view("window_history")
    rows = sum(row["rows"] + row["late"] for row in windows)
    rejects = len(soak.store.view("rejects"))
    print(f"{len(windows)} windows, {rows:,} rows counted, {rejects:,} rejects, {sum(last.values()):,} sent")
    return sum(last.values()), rows + rejects


def judged(soak: Soak, sent: int, found: int) -> int:
    """Say how it went; give the exit code."""
    first = base_minute(soak.minutes)
    before, after = soak.memory_mb(first), soak.memory_mb(soak.minutes)
    change = after / before - 1
    print(f"memory: {before:.1f} MB after {first:g} minutes, {after:.1f} MB at the end ({change:+.1%})")
    is_good = sent == found and abs(change) <= TOLERANCE
    print("passed" if is_good else f"FAILED: {sent - found:+,} rows, memory {change:+.1%}")
    return 0 if is_good else 1


def main() -> None:
    """Soak for as many minutes as the command line says."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    with KafkaServer() as kafka, PostgresServer() as postgres, ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        config, store = prepare(folder, kafka.bootstrap, postgres.url)
        stack.callback(store.close_connections)
        services = [Service(config, folder / f"{name}.log") for name in ("steady", "victim")]
        for service in services:
            service.start()
            stack.callback(service.kill)
        producing = Producing(kafka.bootstrap)
        producing.start()
        soak = Soak(kafka, postgres, store, services[0], services[1], producing, minutes)
        soak.run()
        producing.stopping.set()
        producing.join(300)
        sys.exit(judged(soak, *counted(soak)))


if __name__ == "__main__":
    main()
