"""Queries of docs/sql.md about labels, asked of a small story on each kind of database."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from detectors.result import Verdict
from monitor.findings import PerformanceFinding
from monitor.store.base import Progress, Store
from tests.docs.pages import blocks
from tests.monitor.store.rows import (
    AT,
    MODEL,
    challenger,
    close,
    closed,
    finding,
    held,
    joined,
    later,
    performance,
)

OK, WARN, DRIFT = Verdict.OK, Verdict.WARN, Verdict.DRIFT


def asked(store: Store, view: str) -> list[dict[str, Any]]:
    """Ask the page's last query of a view; times come back as each database gives them."""
    query = [block.text for block in blocks("sql", ("docs/sql.md",)) if f"FROM {view}" in block.text][-1]
    database = store._database  # type: ignore[attr-defined]
    with database.reading() as connection:
        if database.is_postgres:
            connection.execute(text("SET LOCAL search_path TO driftd"))
        return [dict(row) for row in connection.execute(text(query)).mappings()]


def published(day: int, hour: int, value: float, verdict: Verdict, labels: int) -> PerformanceFinding:
    """Measure it, or estimate it without labels."""
    return performance(
        24 * day + hour, value=value, verdict=verdict, labelled_rows=labels, is_estimate=not labels
    )


@pytest.fixture
def story(store: Store) -> Store:
    """Labels stop on the third day; a feature drifts on the second at 3, accuracy falls on it at 5."""
    rows = (
        published(0, 0, 0.94, OK, 10), published(0, 1, 0.92, WARN, 20), published(0, 1, 0.5, DRIFT, 0),
        published(1, 2, 0.92, OK, 30), published(1, 5, 0.82, DRIFT, 40),
        published(2, 0, 0.8, WARN, 0),
        published(7, 0, 0.1, DRIFT, 9),
        performance(metric="f1", value=0.1), performance(multiple=2, value=0.1), performance(segment="fr"),
    )  # fmt: skip
    drifts = (
        finding(27, "age"),
        finding(26, "height", verdict=OK),
        finding(0, "weight", multiple=128),
        finding(30, "size"),
    )
    with store.lock(MODEL) as lock:
        held(lock).performance(rows, AT)
        held(lock).findings(drifts, AT)
    return store


def test_how_good_was_the_model_and_did_drift_come_before_the_fall(story: Store) -> None:
    rows = asked(story, "performance_history")
    assert [str(row["day"]) for row in rows] == ["2026-03-01", "2026-03-02", "2026-03-03"]
    assert [row["value"] for row in rows] == pytest.approx([0.93, 0.87, 0.8])
    assert [(bool(row["is_estimate"]), row["labelled_rows"], row["verdict"]) for row in rows] == [
        (False, 30, "warn"),
        (False, 70, "drift"),
        (True, 0, "warn"),
    ]
    assert [row["feature"] for row in rows] == [None, "age", "age"]
    assert str(rows[1]["drifted_from"]).startswith("2026-03-02 03:00:00")


def test_drift_after_the_fall_is_not_before_it(story: Store) -> None:
    with story.lock(MODEL) as lock:
        held(lock).findings((finding(27, "age", verdict=OK),), AT)
    assert [row["feature"] for row in asked(story, "performance_history")] == [None, None, "size"]


def test_how_many_labels_came(store: Store) -> None:
    close(store, closed(rows=10))
    store.commit(Progress(joined=(joined(),)))
    (row,) = asked(store, "label_history")
    assert (row["rows"], row["labelled"], row["label_ratio"], row["too_late"]) == (10, 8, 0.8, 4)


def test_what_was_said_before(store: Store) -> None:
    for day, value in enumerate((0.9, 0.8, 0.7)):
        with store.lock(MODEL) as lock:
            held(lock).performance((performance(value=value),), later(days=day))
    assert [(row["revision"], row["value"]) for row in asked(store, "performance_revisions")] == [
        (0, 0.9),
        (1, 0.8),
    ]


def test_where_retraining_would_help(store: Store) -> None:
    store.commit(Progress(challenger=(challenger(0), challenger(1, high=0.01), challenger(2, rows=100))))
    rows = asked(store, "challenger_history")
    assert [(row["rows"], row["production_error"]) for row in rows] == [(200, 0.14), (100, 0.28)]
