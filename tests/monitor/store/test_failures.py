from __future__ import annotations

import logging
import sqlite3
import traceback
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from monitor.errors import ConfigError, DriftdError, Fenced, StoreError
from monitor.store.base import Advance, Progress, Store
from monitor.store.sql import SqlStore, open_store
from tests.monitor.store.processes import in_thread, someone_waits_for_a_lock
from tests.monitor.store.proxy import Proxy
from tests.monitor.store.rows import AT, MODEL, ONE, START, closed, part, read
from tests.services.postgres import PostgresServer, free_port
from tests.services.postgres_fixtures import Databases
from tests.services.waiting import until


def sql_store(url: str, **options: float) -> SqlStore:
    store = open_store(url, **options)  # type: ignore[arg-type]
    assert isinstance(store, SqlStore)
    return store


def kill_others(url: str) -> None:
    """End every other backend of the database, as an administrator or a crash does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def through(proxy: Proxy, url: str) -> SqlStore:
    return sql_store(url.replace(str(proxy.target[1]), str(proxy.port)))


@pytest.mark.integration
def test_a_commit_whose_backend_dies_just_before_it_has_not_taken_place(postgres_url: str) -> None:
    store = sql_store(postgres_url)
    store.register_models([MODEL], AT)
    killed: list[bool] = []

    @event.listens_for(store._database.engine, "commit")
    def _(_: object) -> None:
        if not killed:
            killed.append(True)
            kill_others(postgres_url)

    with pytest.raises(StoreError, match="terminating connection"):
        store.commit(read(None, 10, part(rows=10)))
    assert store.cursors([ONE]) == {}
    assert store.open_windows([ONE]) == ()
    store.commit(read(None, 10, part(rows=10)))
    assert store.cursors([ONE]) == {ONE: 10}
    store.close_connections()


@pytest.mark.integration
def test_a_commit_whose_answer_is_lost_is_found_to_have_taken_place(postgres_url: str) -> None:
    with Proxy(postgres_url) as proxy:
        store = through(proxy, postgres_url)
        store.register_models([MODEL], AT)
        for expected, following in ((None, 10), (10, 20)):
            proxy.swallow_answer_to(b"COMMIT")
            told = store.commit(read(expected, following, part(rows=following, new_rows=10)))
            assert proxy.swallowed
            assert told == {}
            assert store.cursors([ONE]) == {ONE: following}
        store.close_connections()


@pytest.mark.integration
def test_a_commit_that_never_arrived_can_be_made_again(postgres_url: str) -> None:
    with Proxy(postgres_url) as proxy:
        store = through(proxy, postgres_url)
        store.register_models([MODEL], AT)
        proxy.swallow(b"COMMIT")
        with pytest.raises(StoreError):
            store.commit(read(None, 10, part(rows=10)))
        assert store.cursors([ONE]) == {}
        store.commit(read(None, 10, part(rows=10)))
        assert store.cursors([ONE]) == {ONE: 10}
        store.close_connections()


@pytest.mark.integration
@pytest.mark.parametrize("expected", [None, 5])
def test_a_commit_stays_in_doubt_until_the_database_is_back(postgres_url: str, expected: int | None) -> None:
    with Proxy(postgres_url) as proxy:
        store = through(proxy, postgres_url)
        store.register_models([MODEL], AT)
        if expected is not None:
            store.commit(read(None, expected))
        progress = read(expected, 10, part(rows=10))
        proxy.swallow_answer_to(b"COMMIT", and_stay_away=True)
        for _ in range(2):
            with pytest.raises(StoreError):
                store.commit(progress)
        proxy.come_back()
        grown = tuple(replace(advance, log_end=99) for advance in progress.advances)
        assert store.commit(replace(progress, advances=grown)) == {}  # messages have come meanwhile
        assert store.cursors([ONE]) == {ONE: 10}
        store.commit(read(10, 12))
        store.close_connections()


@pytest.mark.integration
def test_a_commit_in_doubt_is_fenced_when_another_has_read_on(postgres_url: str) -> None:
    other = sql_store(postgres_url)
    with Proxy(postgres_url) as proxy:
        store = through(proxy, postgres_url)
        store.register_models([MODEL], AT)
        progress = read(None, 10, part(rows=10))
        proxy.swallow_answer_to(b"COMMIT", and_stay_away=True)
        with pytest.raises(StoreError):
            store.commit(progress)
        other.commit(read(10, 30))
        proxy.come_back()
        with pytest.raises(Fenced):
            store.commit(progress)
        assert other.cursors([ONE]) == {ONE: 30}
        store.close_connections()
    other.close_connections()


@pytest.mark.integration
def test_a_commit_in_doubt_waits_for_the_server_to_make_up_its_mind(postgres_url: str) -> None:
    """The lost connection's backend may still be at work when we ask."""
    store = sql_store(postgres_url)
    store.register_models([MODEL], AT)
    store.commit(read(None, 10))
    with psycopg.connect(postgres_url) as busy:  # stands for that backend
        busy.execute("UPDATE driftd.cursor SET next_offset = 20")
        store._in_doubt = (Advance(ONE, 10, 20),)
        again = in_thread(lambda: store.commit(read(10, 20)))
        until(someone_waits_for_a_lock(postgres_url), "the answer is waited for", 10)
        busy.commit()
    assert again.result(10) == {}
    store.close_connections()


@pytest.mark.integration
def test_an_idle_connection_that_was_cut_is_replaced_unnoticed(postgres_url: str) -> None:
    store = sql_store(postgres_url)
    store.register_models([MODEL], AT)
    kill_others(postgres_url)
    assert store.closed_until() == {}
    store.close_connections()


@pytest.mark.integration
def test_judging_whose_backend_dies_leaves_nothing(postgres_url: str) -> None:
    store = sql_store(postgres_url)
    store.register_models([MODEL], AT)

    def judge() -> None:
        with store.lock(MODEL) as lock:
            assert lock is not None
            lock.close(closed())
            kill_others(postgres_url)

    with pytest.raises(StoreError):
        judge()
    assert store.closed_until() == {}
    with store.lock(MODEL) as lock:
        assert lock is not None
    store.close_connections()


@pytest.mark.integration
def test_a_server_that_goes_and_comes_back_is_waited_for(postgres_databases: Databases) -> None:
    del postgres_databases  # only to skip where there is no PostgreSQL
    with PostgresServer() as server:
        store = open_store(server.url)
        store.upgrade_schema()
        store.register_models([MODEL], AT)
        store.commit(read(None, 10, part(rows=10)))
        server.stop()
        for attempt in (lambda: store.commit(read(10, 20)), store.closed_until, store.check_schema):
            with pytest.raises(StoreError, match=rf"127\.0\.0\.1:{server.port}/postgres"):
                attempt()
        server.start()
        store.commit(read(10, 20))
        assert store.cursors([ONE]) == {ONE: 20}
        store.close_connections()


@pytest.mark.integration
def test_too_many_connections_and_read_only_servers_pass_by_themselves(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        name = admin.info.dbname
        admin.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        store = open_store(postgres_url)
        with pytest.raises(StoreError, match="read-only transaction"):
            store.register_models([MODEL], AT)
        store.close_connections()
        admin.execute(f'ALTER DATABASE "{name}" RESET ALL')
        admin.execute("CREATE ROLE crowd LOGIN CONNECTION LIMIT 0")
        crowd = open_store(postgres_url.replace("postgres@", "crowd@"))
        with pytest.raises(StoreError, match="too many connections"):
            crowd.closed_until()
        crowd.close_connections()
        admin.execute("DROP ROLE crowd")


@pytest.mark.integration
def test_a_statement_that_takes_too_long_passes_by_itself(postgres_url: str) -> None:
    store = sql_store(postgres_url, statement_timeout_s=0.2)
    with pytest.raises(StoreError, match="statement timeout"), store._database.reading() as connection:
        connection.execute(text("SELECT pg_sleep(5)"))
    store.close_connections()


def test_mistakes_in_our_sql_stay_loud(store: Store) -> None:
    assert isinstance(store, SqlStore)
    with pytest.raises(DBAPIError), store._database.reading() as connection:
        connection.execute(text("SELEC 1"))


def test_a_password_is_in_no_error_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    store = open_store(f"postgresql://ann:s3cret@127.0.0.1:{free_port()}/driftd")
    with pytest.raises(StoreError, match=r"PostgreSQL 127\.0\.0\.1:\d+/driftd") as caught:
        store.closed_until()
    told = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert "s3cret" not in told
    assert "refused" in str(caught.value)
    store.close_connections()


@pytest.mark.parametrize("url", ["postgresql//ann:s3cret@host/x", "mysql://ann:s3cret@host/x", "s3cret", ""])
def test_an_address_that_cannot_be_used_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigError, match="database URL") as caught:
        open_store(url)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/missing/driftd.sqlite")
    with pytest.raises(StoreError, match=r"missing/driftd\.sqlite does not serve now: unable to open"):
        store.closed_until()
    store.close_connections()


def test_a_damaged_file_is_named(sqlite_url: str) -> None:
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + b"\x00" * (len(whole) - 4096))
    store = open_store(sqlite_url)
    with pytest.raises(DriftdError, match=r"driftd\.sqlite is damaged \(.*malformed.*restore a backup"):
        store.view("alert_history")
    store.close_connections()


def test_sqlite_waits_its_turn_and_then_says_so(sqlite_url: str) -> None:
    one, other = open_store(sqlite_url), sql_store(sqlite_url, statement_timeout_s=0.1)
    one.register_models([MODEL], AT)
    with one.lock(MODEL):
        with pytest.raises(StoreError, match="database is locked"):
            other.commit(read(None, START))
        with other.lock(MODEL) as lock:
            assert lock is None
        assert other.closed_until() == {}
    other.commit(read(None, START))
    one.close_connections()
    other.close_connections()


def test_a_commit_that_sqlite_refuses_leaves_no_transaction_and_can_be_made_again(sqlite_url: str) -> None:
    store = sql_store(sqlite_url, statement_timeout_s=0.1)
    store.register_models([MODEL], AT)
    dialect = store._database.engine.dialect
    failure = sqlite3.OperationalError("disk I/O error")
    failure.sqlite_errorname = "SQLITE_IOERR"
    batch = Progress(advances=(Advance(ONE, None, 5),))
    with patch.object(dialect, "do_commit", side_effect=failure), pytest.raises(StoreError):
        store.commit(batch)
    assert store.cursors([ONE]) == {}
    store.commit(batch)
    assert store.cursors([ONE]) == {ONE: 5}
    store.close_connections()
