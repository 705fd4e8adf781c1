"""The page's connections read and cannot write; what they ask for comes by index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError

from detectors.result import Verdict
from monitor.errors import Recoverable
from monitor.store.base import Store
from monitor.store.page import PageReader, open_reader
from monitor.store.tables import model
from tests.monitor.store.rows import AT, HOUR, MODEL, START, close, closed, finding, result


@pytest.fixture
def reader(store: Store) -> Iterator[PageReader]:
    database = store._database  # type: ignore[attr-defined]
    made = open_reader(database.url.render_as_string(hide_password=False))
    yield made
    made.close()


def test_the_database_refuses_what_the_page_would_write(reader: PageReader) -> None:
    with pytest.raises((DBAPIError, Recoverable)) as refused, reader.look() as look:
        look._on.execute(insert(model).values(name="x", registered_at=AT))
    assert "read" in str(refused.value).lower()


def test_one_look_is_one_moment(store: Store, reader: PageReader) -> None:
    with reader.look() as look:
        before = look.models()
        close(store, closed(0))
        assert look.models() == before
    with reader.look() as look:
        assert look.models() == {MODEL: START + HOUR}


def test_the_worst_feature_is_one_that_drifted_before_one_that_only_moved_more(
    store: Store, reader: PageReader
) -> None:
    findings = (
        finding(0, "age"),
        finding(0, "far", result=replace(result(), effect=0.9), verdict=Verdict.OK),
        finding(0, "longer", multiple=2, result=replace(result(), effect=0.95)),
        finding(0, "part", segment="fr", result=replace(result(), effect=0.96)),
        finding(0, "", detector="correlation", result=replace(result(), effect=1.2)),
    )
    close(store, closed(0, findings))
    with reader.look() as look:
        (row,) = look.worst({MODEL: START})
        assert (row["feature"], row["drifted"], row["tested"]) == ("age", 1, 2)
        assert [each["effect"] for each in look.effects([(MODEL, "age", START)])] == [0.25]
        assert look.worst({}) == []
