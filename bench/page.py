"""How long the page's views take with 50 models of 100 features and a year of history in Postgres.

``python -m bench.page [HOURS]``: windows of so many hours, 1 unless given. The rows are made up in SQL, in
the order in which driftd would have written them; what the views read of them is the same. CPU is that of
this process alone, without the database's.
"""

from __future__ import annotations

import statistics
import sys
import time
from datetime import UTC, datetime, timedelta

import psycopg
from rich.console import Console
from rich.progress import track
from rich.table import Table
from starlette.responses import Response

from monitor.clock import ManualClock
from monitor.config import Config, parse
from monitor.page.app import VIEWS, Pages
from monitor.store.page import open_reader
from monitor.store.sql import open_store
from tests.services.postgres import PostgresServer

MODELS, FEATURES, DAYS, TIMES = 50, 100, 365, 30
START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=DAYS)
SHOWN: dict[str, tuple[str, dict[str, str]]] = {
    "overview": ("", {}),
    "model": ("model", {"m": "model-07"}),
    "model, a month": ("model", {"m": "model-07", "x": "8"}),
    "feature": ("feature", {"m": "model-07", "f": "feature_042"}),
    "performance": ("performance", {"m": "model-07"}),
    "alerts": ("alerts", {}),
}
WINDOWS = """
INSERT INTO driftd.closed_window (model, window_start, segment, window_end, model_version, reference_id,
    rows, late, rejected, labelled, closed_at)
SELECT 'model-' || lpad(m::text, 2, '0'), w, '', w + %(length)s, '', 'none', 1000, 0, 0, 0, w + %(length)s
FROM generate_series(%(begin)s, %(end)s - %(length)s, %(length)s) AS w,
    generate_series(0, %(models)s - 1) AS m
"""
TESTS = """
INSERT INTO driftd.drift_result (model, feature, multiple, window_start, segment, shift, detector, window_end,
    model_version, statistic, p_value, adjusted_p, effect, effect_low, effect_high, threshold, verdict,
    n_reference, n_current, bound, reference_id, note, details, evaluated_at)
SELECT 'model-' || lpad(m::text, 2, '0'), 'feature_' || lpad(f::text, 3, '0'), 1, w, '', 'covariate', 'ks',
    w + %(length)s, '', 0.1, 0.5, 1, 0.1 * random(), 0, 0.2, 1e-5,
    CASE WHEN random() < 0.001 THEN 'drift' ELSE 'ok' END, 10000, 1000, 0, 'none', '', '{}', w + %(length)s
FROM generate_series(%(begin)s, %(end)s - %(length)s, %(length)s) AS w,
    generate_series(0, %(models)s - 1) AS m, generate_series(0, %(features)s - 1) AS f
"""
MODEL_ROWS = """
UPDATE driftd.model SET closed_until = %(end)s
"""
WITHOUT_INDEXES = """
ALTER TABLE driftd.drift_result SET UNLOGGED;
ALTER TABLE driftd.drift_result DROP CONSTRAINT drift_result_pkey;
DROP INDEX driftd.drift_result_start
"""
WITH_INDEXES = """
ALTER TABLE driftd.drift_result
    ADD PRIMARY KEY (model, feature, multiple, window_start, segment, shift, detector);
CREATE INDEX drift_result_start ON driftd.drift_result (window_start, model);
"""


def config(url: str, hours: int) -> Config:
    """Give the configuration of all models."""
    services = f'[kafka]\nbootstrap_servers = ["k:1"]\n[database]\nurl = "{url}"\n'
    models = "".join(
        f'[models.model-{i:02}]\ntopics = ["t{i}"]\nwindow = "{hours}h"\n' for i in range(MODELS)
    )
    return parse(services + models)


def fill(console: Console, url: str, hours: int) -> None:
    """Write the year, a week at a time."""
    store = open_store(url)
    store.upgrade_schema()
    store.register_models(config(url, hours).models, START)
    store.close_connections()
    length = timedelta(hours=hours)
    of = {"length": length, "models": MODELS, "features": FEATURES}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(WITHOUT_INDEXES)
        connection.execute(WINDOWS, of | {"begin": START, "end": END})
        weeks = range(0, DAYS, 7)
        for day in track(weeks, "a year of windows", console=console, transient=True):
            begin = START + timedelta(days=day)
            connection.execute(TESTS, of | {"begin": begin, "end": min(begin + timedelta(days=7), END)})
        connection.execute(MODEL_ROWS, {"end": END})
        connection.execute(WITH_INDEXES)
        connection.execute("VACUUM ANALYZE")


def answered_ms(pages: Pages, path: str, query: dict[str, str]) -> tuple[float, float]:
    """Make one answer; give how long it took, and how much of the CPU."""
    begun_s, cpu_s = time.perf_counter(), time.process_time()
    answer: Response = pages.answer(VIEWS[path], path, query)
    took = 1e3 * (time.perf_counter() - begun_s), 1e3 * (time.process_time() - cpu_s)
    if answer.status_code != 200:
        sys.exit(f"{path} {query}: {answer.status_code}")
    return took


def report(console: Console, url: str, hours: int) -> None:
    """Print how long each view takes, the first time and afterwards."""
    fill(console, url, hours)
    reader = open_reader(url)
    pages = Pages(reader, config(url, hours), ManualClock(END))
    table = Table("view", "first ms", "median ms", "quickest ms", "CPU ms")
    for name, (path, query) in SHOWN.items():
        (first, _), *others = (answered_ms(pages, path, query) for _ in range(TIMES + 1))
        median, cpu = (statistics.median(each) for each in zip(*others, strict=True))
        table.add_row(name, f"{first:.0f}", f"{median:.0f}", f"{min(others)[0]:.0f}", f"{cpu:.0f}")
    reader.close()
    with psycopg.connect(url) as connection:
        size = "SELECT count(*), pg_total_relation_size('driftd.drift_result') FROM driftd.drift_result"
        tests, length = connection.execute(size).fetchall()[0]
    year = f"{MODELS} models, {FEATURES} features, a year in windows of {hours} h"
    table.title = f"{year}: {tests:,} tests, {length / 1e9:.1f} GB"
    console.print(table)


if __name__ == "__main__":
    with PostgresServer() as postgres:
        report(Console(width=100), postgres.url, int(sys.argv[1]) if len(sys.argv) > 1 else 1)
