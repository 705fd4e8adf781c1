"""Every query in the pages runs on the migrated schema, and answers when there is something to tell."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from detectors.result import Shift, Verdict
from monitor.source.base import TopicPartition
from monitor.store.base import Advance, Alerting, ConfigRow, Gap, Progress, Reject
from monitor.store.sql import open_store
from tests.docs.pages import Block, blocks, page
from tests.monitor.store.counted import numeric, stored
from tests.monitor.store.rows import (
    AT,
    MODEL,
    ONE,
    START,
    alert,
    challenger,
    close,
    closed,
    experiment_result,
    experiment_sum,
    finding,
    joined,
    performance,
    quality,
    reference,
)

CONFIG_HASH = "c0ffee"
QUERIES = [block for block in blocks("sql") if not block.mark]
MAY_BE_EMPTY = ("interval '30 days'",)  # asks about now; the rows are of March 2026


PORTABLE = re.findall(r"runs on SQLite too[:.]\n\n```sql\n(.*?)```", page("docs/sql.md"), re.DOTALL)


def filled(url: str) -> None:
    """Write a little of everything."""
    store = open_store(url)
    store.register_config(ConfigRow(CONFIG_HASH, "0.1.0", {"models": {MODEL: {"min_rows": 50}}}, AT))
    store.register_models([MODEL], AT)
    counts = {"age": stored(numeric([0, 5, 1, 4, 0]))}
    store.add_reference(reference(counts=counts, data_version="sha256:1"))
    findings = (
        finding(),
        finding(detector="psi", adjusted_p=None, verdict=Verdict.OK),
        finding(segment="country=DE", details={"only_in": ["country=DE"]}),
        finding(feature="plan", detector="chi2", verdict=Verdict.INCONCLUSIVE),
        finding(feature="score", shift=Shift.PRIOR, multiple=2, end_ms=START + 7_200_000),
    )
    close(store, closed(0, findings, (quality(),), counts=counts, config_hash=CONFIG_HASH))
    with store.lock(MODEL) as lock:
        assert lock is not None
        evidence = {"reference_id": "ref", "model_version": "v1", "config_hash": CONFIG_HASH}
        lock.write(Alerting(alerts=(alert(annotations=evidence),)))
        lock.experiment_sums((experiment_sum(), experiment_sum(variant="v1")))
        lock.experiment_results((experiment_result(),), AT, CONFIG_HASH)
        for value in (0.93, 0.91):
            lock.performance((performance(value=value),), AT)
    bad = Reject(ONE, 3, MODEL, "not_json", "Expecting value at character 0", b"\xffoops", AT)
    gap = Gap(TopicPartition("predictions", 1), 5, 9, AT - timedelta(days=1))
    labels = Progress(joined=(joined(),), challenger=(challenger(),))
    store.commit(replace(labels, advances=(Advance(ONE, None, 10),), rejects=(bad,), gaps=(gap,)))
    store.close_connections()


def statements(block: Block) -> list[str]:
    return [part.strip() for part in block.text.split(";") if part.strip()]


@pytest.mark.integration
def test_every_query_runs_on_postgres_and_finds_what_is_there(postgres_url: str) -> None:
    filled(postgres_url)
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        connection.execute("SET search_path TO driftd")
        for block in QUERIES:
            for statement in statements(block):
                cursor = connection.execute(statement.encode())
                if cursor.description and not any(part in statement for part in MAY_BE_EMPTY):
                    assert cursor.fetchall(), f"{block}: nothing for\n{statement}"


def test_queries_that_are_said_to_run_on_sqlite_do(tmp_path: Path) -> None:
    assert len(PORTABLE) == 3
    store = open_store(f"sqlite:///{tmp_path}/driftd.sqlite")
    store.upgrade_schema()
    filled(f"sqlite:///{tmp_path}/driftd.sqlite")
    with closing(sqlite3.connect(tmp_path / "driftd.sqlite")) as connection:
        for query in PORTABLE:
            assert connection.execute(query).fetchall(), query
    store.close_connections()


@pytest.mark.integration
def test_one_query_says_what_an_alert_came_from(postgres_url: str) -> None:
    filled(postgres_url)
    (block,) = [block for block in QUERIES if "FROM lineage" in block.text]
    with psycopg.connect(postgres_url.replace("+psycopg", ""), row_factory=dict_row) as connection:
        connection.execute("SET search_path TO driftd")
        (found,) = connection.execute(block.text.encode()).fetchall()
    assert (found["model_version"], found["reference_id"], found["data_version"]) == ("v1", "ref", "sha256:1")
    assert (found["config_hash"], found["driftd_version"]) == (CONFIG_HASH, "0.1.0")


def test_there_are_queries_for_every_view_that_is_filled() -> None:
    text = "".join(block.text for block in QUERIES)
    for view in (
        "drift_history",
        "quality_history",
        "performance_history",
        "performance_revisions",
        "label_history",
        "challenger_history",
        "alert_history",
        "window_history",
        "rejects",
        "gaps",
        "partitions",
        "refs",
        "configs",
        "lineage",
        "experiment_history",
        "experiment_windows",
    ):
        assert f" {view}" in text
