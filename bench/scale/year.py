"""A year of hourly windows in Postgres: its size, and what judging it takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import psycopg
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.messages import START_MS, frame
from detectors.dictionary import Role
from detectors.frames import columns_from_frame
from detectors.inference import infer
from detectors.reference import Reference, build
from monitor.backfill import Counted, backfill, counted
from monitor.clock import ManualClock
from monitor.config import Config, parse
from monitor.references import stored
from monitor.store.sql import open_store

HOUR_MS = 3_600_000
WINDOWS = 24 * 365
ROWS_A_WINDOW = 1_000
DIFFERENT = 48
NOW = datetime(2027, 1, 2, tzinfo=UTC)
SCHEMA = "scale_year"
CONFIG = """
[kafka]
bootstrap_servers = ["127.0.0.1:1"]
[database]
url = "sqlite://"
[models.bench]
topics = ["bench"]
"""


def windows(config: Config, reference: Reference, count: int) -> Iterator[Counted]:
    """Give hours whose rows are those of a few different ones, again and again."""
    fields = config.models["bench"].fields.resolved("bench")
    hours: list[Counted] = []
    for seed in range(min(DIFFERENT, count)):
        rows = frame(ROWS_A_WINDOW, seed + 2)
        rows["timestamp"] = pd.Series(range(ROWS_A_WINDOW)) * (HOUR_MS // ROWS_A_WINDOW) + START_MS
        hours += counted(rows, fields, reference, HOUR_MS)
    for i in range(count):
        hour, later_ms = hours[i % len(hours)], i * HOUR_MS
        yield replace(hour, start_ms=hour.start_ms + later_ms, max_ms=hour.max_ms + later_ms)


def report(console: Console, url: str, count: int = WINDOWS) -> None:
    """Fill in the year and print its size by table, for a month and altogether."""
    config = parse(CONFIG)
    training = frame(10_000, seed=1)
    dictionary = infer(
        training.drop(columns=["timestamp", "id"]), {"prediction": Role.PREDICTION, "score": Role.SCORE}
    )
    reference = build(
        columns_from_frame(training, dictionary),
        dictionary,
        model="bench",
        version="",
        source="bench",
        built_at=NOW,
    )
    store = open_store(url, SCHEMA)
    store.upgrade_schema()
    store.add_reference(stored(reference, active=True))
    begun = time.process_time()
    made = track(
        windows(config, reference, count), "a year of windows", count, console=console, transient=True
    )
    backfill(config, "bench", reference, made, store, ManualClock(NOW), "year")
    judged_s = time.process_time() - begun
    store.close_connections()
    months = count * HOUR_MS / (365 / 12 * 24 * HOUR_MS)
    table = Table(
        "table",
        "MB",
        "MB a month",
        title=f"{count:,} hourly windows, 27 columns, {ROWS_A_WINDOW:,} rows each",
    )
    sizes = _sizes(url)
    for name, size in [*sizes.items(), ("all", sum(sizes.values()))]:
        if size >= 0.005 * sum(sizes.values()):
            table.add_row(name, f"{size / 1e6:,.1f}", f"{size / 1e6 / months:,.2f}")
    console.print(table)
    console.print(f"judging took {judged_s / count * 1e3:.1f} ms of CPU a window")


def _sizes(url: str) -> dict[str, int]:
    """Give the bytes of each table with its indexes, largest first."""
    query = (
        "SELECT c.relname, pg_total_relation_size(c.oid) FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s AND c.relkind = 'r' ORDER BY 2 DESC"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM")
        return dict(connection.execute(query, (SCHEMA,)).fetchall())
