"""Every query in the pages runs on the migrated schema, and answers when there is something to tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from detectors.result import Shift, Verdict
from monitor.source.base import TopicPartition
from monitor.store.base import Advance, Alerting, Gap, Progress, Reject
from monitor.store.sql import open_store
from tests.docs.pages import Block, blocks
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
    finding,
    joined,
    performance,
    quality,
    reference,
)

QUERIES = [block for block in blocks("sql") if not block.mark]
MAY_BE_EMPTY = ("interval '30 days'",)  # asks about now; the rows are of March 2026


def filled(url: str) -> None:
    """Write a little of everything."""
    store = open_store(url)
    store.register_models([MODEL], AT)
    counts = {"age": stored(numeric([0, 5, 1, 4, 0]))}
    store.add_reference(reference(counts=counts))
    findings = (
        finding(),
        finding(detector="psi", adjusted_p=None, verdict=Verdict.OK),
        finding(segment="country=DE", details={"only_in": ["country=DE"]}),
        finding(feature="plan", detector="chi2", verdict=Verdict.INCONCLUSIVE),
        finding(feature="score", shift=Shift.PRIOR, multiple=2, end_ms=START + 7_200_000),
    )
    close(store, closed(0, findings, (quality(),), counts=counts))
    with store.lock(MODEL) as lock:
        assert lock is not None
        lock.write(Alerting(alerts=(alert(),)))
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
    ):
        assert f" {view}" in text
