"""One, two and four `driftd run` on one topic of eight partitions."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from bench.throughput import preload, prepare
from tests.services.kafka_server import KafkaServer

PARTITIONS = 8
COUNTS = (1, 2, 4)
ROUNDS = 3
LIMIT_S = 400.0


def together(config: Path, rows: int, processes: int) -> dict[str, float]:
    """Let so many processes loose at once; give the wall time and the sum of their CPU times."""
    command = [sys.executable, "-m", "bench.scale.worker", str(config), str(rows), str(PARTITIONS)]
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(processes)
        ]
        for process in started:
            if process.stdout is not None:
                process.stdout.readline()  # it is ready
        for process in started:
            if process.stdin is not None:
                process.stdin.write("go\n")
                process.stdin.flush()
        said = [process.communicate(timeout=LIMIT_S)[0] for process in started]
        if any(process.returncode for process in started):
            sys.exit("a bench.scale.worker failed; its error is above")
    results = [json.loads(each.splitlines()[-1]) for each in said]
    return {
        "wall_s": max(each["ended_s"] for each in results) - min(each["begun_s"] for each in results),
        "cpu_s": sum(each["cpu_s"] for each in results),
    }


def broker_cpu_s(kafka: KafkaServer) -> float:
    """CPU time that the broker has taken so far."""
    times = psutil.Process(kafka.pid).cpu_times()
    return float(times.user + times.system)


def report(console: Console, kafka: KafkaServer, folder: Path, url: str, rows: int) -> None:
    """Measure all numbers of processes in turn, some rounds, and print medians."""
    preload(kafka.bootstrap, rows, PARTITIONS)
    results: dict[int, list[dict[str, float]]] = {count: [] for count in COUNTS}
    for number in range(ROUNDS):
        for count in COUNTS:
            config = prepare(folder, kafka.bootstrap, url, number * 10 + count)
            before = broker_cpu_s(kafka)
            measured = together(config, rows, count)
            results[count].append(measured | {"broker_s": broker_cpu_s(kafka) - before})
    table = Table(
        "processes",
        "rows/s",
        "wall of 1 process",
        "CPU s per 1M rows",
        "of 1 process",
        "broker's",
        title=f"{rows:,} rows on {PARTITIONS} partitions, medians of {ROUNDS} rounds",
    )
    for count, runs in results.items():
        pairs = list(zip(runs, results[1], strict=True))
        table.add_row(
            str(count),
            f"{rows / statistics.median(each['wall_s'] for each in runs):,.0f}",
            f"{statistics.median(each['wall_s'] / one['wall_s'] for each, one in pairs):.2f}",
            f"{statistics.median(each['cpu_s'] for each in runs) / rows * 1e6:.1f}",
            f"{statistics.median(each['cpu_s'] / one['cpu_s'] for each, one in pairs):.2f}",
            f"{statistics.median(each['broker_s'] for each in runs) / rows * 1e6:.1f}",
        )
    console.print(table)
