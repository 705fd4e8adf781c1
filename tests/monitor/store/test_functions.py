"""Functions of SQL over stored counts give what the detectors give."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.counts import CategoricalCounts, NumericCounts
from detectors.distances import Psi
from detectors.grid import CategoricalGrid, NumericGrid
from detectors.kolmogorov import KolmogorovSmirnov
from monitor.store.sql import open_store
from tests.monitor.store.counted import cells, numeric, stored
from tests.monitor.store.rows import AT, MODEL, close, reference
from tests.monitor.store.rows import closed as closed_value
from tests.services.postgres_fixtures import Databases, name_in

pytestmark = pytest.mark.integration

BYTES = st.binary(max_size=3_000)
REPEATED = st.lists(st.sampled_from([b"\0", b"\0\0\0\1", b"abc"]), max_size=900).map(b"".join)
NUMBERS = st.integers(0, 3) | st.integers(0, 1_000) | st.integers(0, 2**40)
SIZES = st.integers(0, 40)


@pytest.fixture(scope="module")
def sql(postgres_databases: Databases) -> Iterator[psycopg.Connection[Any]]:
    """Give a connection to a migrated database, on which driftd's schema is not even in the search path."""
    url = postgres_databases.migrated()
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection
    postgres_databases.drop(name_in(url))


def ask(sql: psycopg.Connection[Any], query: str, *values: Any) -> Any:
    row = sql.execute(query, values).fetchone()
    assert row is not None
    return row[0]


def pairs(size: int) -> st.SearchStrategy[tuple[NumericCounts, NumericCounts]]:
    one = st.lists(NUMBERS, min_size=2 * size + 1, max_size=2 * size + 1).map(numeric)
    return st.tuples(one, one)


def numbers(size: int) -> st.SearchStrategy[list[int]]:
    return st.lists(NUMBERS, min_size=size, max_size=size)


UNSEEN = st.dictionaries(st.text(max_size=5), st.integers(1, 99_999), max_size=5)


def grouped(size: int) -> st.SearchStrategy[tuple[CategoricalCounts, CategoricalCounts]]:
    one = st.builds(
        lambda known, unseen, other: CategoricalCounts(np.array(known, np.int64), unseen, other, 1, 2, 3, 4),
        numbers(size), UNSEEN, st.integers(0, 2**40),
    )  # fmt: skip
    return st.tuples(one, one)


def grid_of(counts: NumericCounts) -> NumericGrid:
    return NumericGrid(np.arange(float(len(counts.on))))


@given(BYTES | REPEATED, st.sampled_from([0, 1, 6, 9]))
@settings(max_examples=60, deadline=None)
def test_what_zlib_deflates_is_inflated(sql: psycopg.Connection[Any], data: bytes, level: int) -> None:
    assert ask(sql, "SELECT driftd.driftd_inflate(%s)", zlib.compress(data, level)) == data


@pytest.mark.parametrize("mean", [0.05, 1, 50, 20_000])
def test_counts_on_a_fine_grid_are_read(sql: psycopg.Connection[Any], mean: float) -> None:
    counts = numeric(np.random.default_rng(3).poisson(mean, 4_097).tolist())
    assert ask(sql, "SELECT driftd.driftd_cells(%s)", stored(counts)) == cells(counts)


@given(SIZES.flatmap(pairs))
@settings(max_examples=60, deadline=None)
def test_numeric_features_are_read_added_and_compared_as_the_detectors_do(
    sql: psycopg.Connection[Any], pair: tuple[NumericCounts, NumericCounts]
) -> None:
    reference, current = pair
    blobs = [stored(one) for one in pair]
    added = ask(sql, "SELECT driftd.driftd_sum(c) FROM unnest(%s::bytea[]) AS c", blobs)
    assert added == cells(reference.merge(current))
    both = "driftd.driftd_cells(%s), driftd.driftd_cells(%s)"
    ks, psi = (ask(sql, f"SELECT driftd.{name}({both})", *blobs) for name in ("driftd_ks", "driftd_psi"))
    if reference.n == 0 or current.n == 0:
        assert (ks, psi) == (None, None)
        return
    grid = grid_of(reference)
    expected = KolmogorovSmirnov().compare(reference, current, grid).statistic
    assert ks == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert psi == pytest.approx(Psi().compare(reference, current, grid).statistic, rel=1e-9, abs=1e-12)


def test_a_cell_of_psi_ends_where_a_tenth_of_the_reference_is_reached(sql: psycopg.Connection[Any]) -> None:
    even, moved = numeric([0, *[7, 0] * 10]), numeric([3, *range(1, 21)])
    psi = ask(
        sql,
        "SELECT driftd.driftd_psi(driftd.driftd_cells(%s), driftd.driftd_cells(%s))",
        stored(even),
        stored(moved),
    )
    assert psi == pytest.approx(Psi().compare(even, moved, grid_of(even)).statistic, rel=1e-9)


@given(SIZES.flatmap(grouped))
@settings(max_examples=40, deadline=None)
def test_categorical_features_are_read_added_and_compared_as_the_detectors_do(
    sql: psycopg.Connection[Any], pair: tuple[CategoricalCounts, CategoricalCounts]
) -> None:
    reference, current = pair
    blobs = [stored(one) for one in pair]
    added = ask(sql, "SELECT driftd.driftd_sum(c) FROM unnest(%s::bytea[]) AS c", blobs)
    assert added == cells(reference.merge(current))
    psi = ask(sql, "SELECT driftd.driftd_psi(driftd.driftd_cells(%s), driftd.driftd_cells(%s))", *blobs)
    if reference.n == 0 or current.n == 0:
        assert psi is None
        return
    grid = CategoricalGrid(tuple(map(str, range(len(reference.known)))))
    assert psi == pytest.approx(Psi().compare(reference, current, grid).statistic, rel=1e-9, abs=1e-12)


ONE, OTHER = numeric([0, 1, 2]), numeric([0, 1, 2, 3, 4])
LETTERS = CategoricalCounts(np.array([1, 2]))


@pytest.mark.parametrize(
    ("query", "values", "words"),
    [
        ("driftd_sum(c) FROM unnest(%s::bytea[]) AS c", ([stored(ONE), stored(OTHER)],), "group by feature"),
        (
            "driftd_sum(c) FROM unnest(%s::bytea[]) AS c",
            ([stored(ONE), stored(LETTERS)],),
            "group by feature",
        ),
        ("driftd_ks(driftd.driftd_cells(%s), '{2,1}')", (stored(LETTERS),), "use driftd_psi"),
        ("driftd_psi(driftd.driftd_cells(%s), '{1,1,2}')", (stored(ONE),), "different grids"),
        ("driftd_cells(%s)", (b"",), "not stored counts"),
        ("driftd_cells(%s)", (b"\x97\x02" + stored(ONE)[2:],), "not stored counts"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(
    sql: psycopg.Connection[Any], query: str, values: tuple[Any, ...], words: str
) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match=words):
        ask(sql, f"SELECT driftd.{query}", *values)


def test_the_views_lead_from_windows_to_figures(sql: psycopg.Connection[Any]) -> None:
    parts = [numeric([0, 5, 1, hour, 0]) for hour in range(30)]
    known = numeric([0, 50, 10, 40, 1])
    store = open_store(f"postgresql://{sql.info.user}@{sql.info.host}:{sql.info.port}/{sql.info.dbname}")
    store.register_models([MODEL], AT)
    store.add_reference(reference(counts={"age": stored(known), ":table": b"beside"}))
    for hour, part in enumerate(parts):
        counts = {"age": stored(part), ":table": b"beside"}
        close(store, closed_value(hour, counts=counts))
    close(store, closed_value(40, counts={"age": stored(ONE)}, reference_id=""))
    store.close_connections()
    sql.execute("SET search_path TO driftd")
    sql.execute("SET TIME ZONE 'UTC'")
    rows = sql.execute(
        "SELECT date_trunc('day', window_start), driftd_sum(counts), "
        "driftd_ks(driftd_reference(reference_id, feature), driftd_sum(counts)) "
        "FROM count_history GROUP BY 1, reference_id, feature ORDER BY 1"
    ).fetchall()
    sql.execute("RESET search_path")
    days = [parts[:24], parts[24:]]
    for (_, summed, ks), day in zip(rows, days, strict=True):
        total = day[0]
        for part in day[1:]:
            total = total.merge(part)
        assert summed == cells(total)
        assert ks == pytest.approx(KolmogorovSmirnov().compare(known, total, grid_of(known)).statistic)
