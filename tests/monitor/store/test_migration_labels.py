"""Revision 0003 on a database that a version before it has filled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, insert, text

from monitor.errors import SchemaError
from monitor.store import migrate
from monitor.store.base import Progress, Store
from monitor.store.connect import Database, parse_url
from monitor.store.result_tables import closed_window, performance_result
from monitor.store.sql import open_store
from monitor.store.tables import cursor, model, open_window
from monitor.store.types import to_datetime
from tests.monitor.store.rows import (
    AT,
    HOUR,
    MODEL,
    ONE,
    START,
    held,
    joined,
    learned,
    part,
    performance,
)
from tests.monitor.store.rows import (
    closed_window as window_value,
)

OLD_VIEW = """
CREATE VIEW {schema}performance_history AS SELECT model, window_start, window_end, metric, value, is_estimate,
low, high, reference_value, labelled_rows, verdict, segment, model_version, reference_id, note, evaluated_at,
multiple FROM {schema}performance_result
"""
"""The only view of revision 0002 that has other columns since."""

OF_WINDOW: dict[str, Any] = {"model": MODEL, "window_start": START, "window_end": START + HOUR, "segment": ""}
OF_RESULT: dict[str, Any] = {"model_version": "v1", "reference_id": "ref"}


@pytest.fixture
def old_url(empty_url: str, tmp_path: Path) -> str:
    """Give a database at revision 0002, with a row in every table that 0003 changes and some others."""
    url = f"sqlite:///{tmp_path}/driftd.sqlite" if empty_url == "sqlite://" else empty_url
    parsed = parse_url(url)
    schema = "driftd" if parsed.get_backend_name() == "postgresql" else None
    database = Database(parsed, schema, 30, 300)
    with database.writing() as connection:
        migrate.take_turn(connection, schema)
        command.upgrade(migrate.config(connection, schema), "0002")
        connection.execute(text(OLD_VIEW.format(schema="driftd." if schema else "")))
        fill(connection)
    database.close()
    return url


def fill(connection: Connection) -> None:
    add = {"name": MODEL, "registered_at": AT, "closed_until": START + HOUR}
    connection.execute(insert(model).values(add))
    connection.execute(insert(cursor).values(topic=ONE.topic, partition=ONE.partition, next_offset=7))
    counts = {"rows": 20, "late": 1, "rejected": 2, "labelled": 0, "closed_at": AT}
    connection.execute(insert(closed_window).values(OF_WINDOW | OF_RESULT | counts))
    share = {"topic": ONE.topic, "partition": ONE.partition, "rows": 10, "rejected": 0, "profile": b"profile"}
    later = {"window_start": START + HOUR, "window_end": START + 2 * HOUR, "reference_id": "ref"}
    connection.execute(insert(open_window).values(OF_WINDOW | later | share))
    figures = {
        "multiple": 1, "metric": "accuracy", "is_estimate": False, "value": 0.91, "low": 0.9, "high": 0.92,
        "reference_value": 0.944, "labelled_rows": 18, "verdict": "warn", "note": "", "evaluated_at": AT,
    }  # fmt: skip
    connection.execute(insert(performance_result).values(OF_WINDOW | OF_RESULT | figures))


@pytest.fixture
def upgraded(old_url: str) -> Iterator[Store]:
    store = open_store(old_url)
    store.upgrade_schema()
    store.check_schema()
    yield store
    store.close_connections()


def test_the_database_of_the_version_before_is_refused_until_it_is_upgraded(old_url: str) -> None:
    store = open_store(old_url)
    with pytest.raises(SchemaError, match="at revision 0002, before this version's: run `driftd db upgrade`"):
        store.check_schema()
    store.upgrade_schema()
    store.check_schema()
    store.close_connections()


def test_old_rows_survive(upgraded: Store) -> None:
    assert upgraded.cursors([ONE]) == {ONE: 7}
    assert upgraded.open_windows([ONE]) == (part(1, new_rows=0),)
    assert upgraded.closed_until() == {MODEL: START + HOUR}
    with upgraded.lock(MODEL) as lock:
        found = held(lock).closed_windows(START, START + HOUR, 9)
    assert found == (window_value(late=1, rejected=2, counts={}),)


def test_old_metrics_have_defaults_in_the_new_columns(upgraded: Store) -> None:
    (row,) = upgraded.view("performance_history")
    assert (row["window_start"], row["value"], row["verdict"]) == (to_datetime(START), 0.91, "warn")
    assert (row["direction"], row["revision"]) == ("", 0)
    new = ("p_value", "adjusted_p", "band_low", "band_high", "label_ratio")
    assert [row[name] for name in new] == [None] * 5


def test_an_old_metric_that_is_published_anew_becomes_the_first_revision(upgraded: Store) -> None:
    with upgraded.lock(MODEL) as lock:
        held(lock).performance((performance(value=0.93),), AT)
    (row,) = upgraded.view("performance_history")
    assert (row["value"], row["revision"], row["label_ratio"]) == (0.93, 1, 0.9)
    assert [(row["revision"], row["value"]) for row in upgraded.view("performance_revisions")] == [(0, 0.91)]


def test_models_begin_without_labels_and_take_them(upgraded: Store) -> None:
    with upgraded.lock(MODEL) as lock:
        assert (held(lock).learned_until_ms(), held(lock).published_until_ms()) == (None, None)
    upgraded.commit(Progress(joined=(joined(),), learned=(learned(),)))
    (row,) = upgraded.view("label_history")
    assert (row["rows"], row["labelled"], row["label_ratio"]) == (20, 8, 0.4)
