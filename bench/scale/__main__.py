"""All of it, or the parts that are named: ``python -m bench.scale [processes|curves|year ...]``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from rich.console import Console

from bench.scale import curves, processes, year
from tests.services.kafka_server import KafkaServer
from tests.services.postgres import PostgresServer

ROWS = 400_000
PARTS = ("processes", "curves", "year")


def main(parts: list[str]) -> None:
    """Measure and print."""
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"usage: python -m bench.scale [{' | '.join(PARTS)} ...]; not {', '.join(sorted(unknown))}")
    console = Console(width=100)
    chosen = parts or PARTS
    with PostgresServer() as postgres, tempfile.TemporaryDirectory() as folder:
        if "processes" in chosen:
            with KafkaServer() as kafka:
                processes.report(console, kafka, Path(folder), postgres.url, ROWS)
        if "curves" in chosen:
            curves.report(console, postgres.url)
        if "year" in chosen:
            year.report(console, postgres.url)


if __name__ == "__main__":
    main(sys.argv[1:])
