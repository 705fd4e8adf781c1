from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, create_engine, inspect, text
from sqlalchemy.sql.schema import SchemaConst

from monitor.errors import SchemaError
from monitor.store import migrate
from monitor.store.connect import Database, parse_url
from monitor.store.grants import grants
from monitor.store.public import PUBLIC
from monitor.store.result_tables import notification
from monitor.store.sql import open_store
from monitor.store.tables import metadata
from tests.monitor.store.rows import AT, MODEL


@pytest.fixture
def url(empty_url: str, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/driftd.sqlite" if empty_url == "sqlite://" else empty_url


def upgraded(url: str, schema: str = "driftd") -> str:
    store = open_store(url, schema)
    store.upgrade_schema()
    store.close_connections()
    return url


def is_other_type(context: MigrationContext, _: object, __: object, found: Any, wanted: Any) -> bool:
    """Compare the DDL: alembic does not see into our own types."""
    return bool(found.compile(context.dialect) != wanted.compile(context.dialect))


def differences(url: str, schema: str | None) -> list[object]:
    wanted = MetaData()
    for table in metadata.sorted_tables:
        table.to_metadata(wanted, schema=schema or SchemaConst.RETAIN_SCHEMA)
    engine = create_engine(parse_url(url))
    options = {
        "include_schemas": schema is not None,
        "include_name": lambda name, kind, _: kind != "schema" or name == schema,
        "version_table_schema": schema,
        "compare_type": is_other_type,
    }
    with engine.connect() as connection:
        found: list[object] = compare_metadata(MigrationContext.configure(connection, opts=options), wanted)
    engine.dispose()
    return found


def test_looking_at_the_revision_again_and_again_keeps_nothing(url: str) -> None:
    store = open_store(upgraded(url), "driftd")
    store.check_schema()
    engine: Any = store._database.engine  # type: ignore[attr-defined]
    kept = len(engine._compiled_cache)
    for _ in range(3):
        store.check_schema()
    assert len(engine._compiled_cache) == kept
    store.close_connections()


def test_migrations_lead_to_the_tables_that_the_code_uses(url: str) -> None:
    schema = "driftd" if url.startswith("postgres") else None
    upgraded(url)
    assert notification.name in metadata.tables
    assert differences(url, schema) == []


def test_the_comparison_sees_a_missing_column(url: str) -> None:
    schema = "driftd" if url.startswith("postgres") else None
    upgraded(url)
    engine = create_engine(parse_url(url))
    with engine.begin() as connection:
        where = "driftd." if schema else ""
        connection.execute(text(f"ALTER TABLE {where}gap ADD COLUMN surplus text"))
    engine.dispose()
    assert "surplus" in str(differences(url, schema))


def test_an_empty_database_is_refused_with_the_command_to_type(url: str) -> None:
    store = open_store(url)
    with pytest.raises(SchemaError, match="is empty: run `driftd db upgrade`"):
        store.check_schema()
    with pytest.raises(SchemaError, match="run `driftd db upgrade`"):
        store.register_models([MODEL], AT)
    store.close_connections()


def test_an_upgraded_database_is_accepted_and_left_alone(url: str) -> None:
    store = open_store(upgraded(url))
    store.check_schema()
    store.register_models([MODEL], AT)
    store.upgrade_schema()
    assert [row["model"] for row in store.view("models")] == [MODEL]
    store.close_connections()


@pytest.mark.parametrize(
    ("revision", "words"),
    [
        ("0001", "is at revision 0001, before this version's: run `driftd db upgrade`"),
        ("0002", "is at revision 0002, before this version's: run `driftd db upgrade`"),
        ("9999", "upgrade driftd"),
    ],
)
def test_another_revision_is_refused_with_the_way_out(url: str, revision: str, words: str) -> None:
    database = open_store(upgraded(url))._database  # type: ignore[attr-defined]
    with database.writing() as connection:
        where = "driftd." if database.is_postgres else ""
        change = text(f"UPDATE {where}alembic_version SET version_num = :revision")  # noqa: S608
        connection.execute(change, {"revision": revision})
    store = open_store(url)
    with pytest.raises(SchemaError, match=words):
        store.check_schema()
    if revision == "9999":
        with pytest.raises(SchemaError, match=words):
            store.upgrade_schema()
    store.close_connections()
    database.close()


def test_several_processes_may_upgrade_at_once(url: str) -> None:
    stores = [open_store(url) for _ in range(4)]
    together = threading.Barrier(len(stores))

    def upgrade(number: int) -> None:
        together.wait(10)
        stores[number].upgrade_schema()
        stores[number].check_schema()

    with ThreadPoolExecutor(len(stores)) as pool:
        list(pool.map(upgrade, range(len(stores))))
    for store in stores:
        store.close_connections()


def test_revisions_form_one_line() -> None:
    scripts = ScriptDirectory.from_config(migrate.config())
    found = [script.revision for script in scripts.walk_revisions()]
    assert found == [f"{number:04}" for number in range(len(found), 0, -1)]


@pytest.mark.integration
def test_everything_lives_in_the_schema_that_was_asked_for(empty_postgres_url: str) -> None:
    upgraded(empty_postgres_url, "Drift's own")
    engine = create_engine(parse_url(empty_postgres_url))
    seen = inspect(engine)
    assert seen.get_table_names("public") == []
    assert set(seen.get_table_names("Drift's own")) == {*metadata.tables, "alembic_version"}
    assert set(seen.get_view_names("Drift's own")) == set(PUBLIC)
    engine.dispose()
    store = open_store(empty_postgres_url, "Drift's own")
    store.register_models([MODEL], AT)
    assert len(store.view("models")) == 1
    store.close_connections()


@pytest.mark.integration
def test_views_and_all_their_columns_are_commented(postgres_url: str) -> None:
    engine = create_engine(parse_url(postgres_url))
    query = text(
        "SELECT c.relname, a.attname, col_description(c.oid, a.attnum), obj_description(c.oid) "
        "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
        "WHERE c.relnamespace = 'driftd'::regnamespace AND c.relkind = 'v' ORDER BY 1, a.attnum"
    )
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    engine.dispose()
    told = {(row[0], row[1]): row[2] for row in rows}
    assert told == {
        (view.name, name): words for view in PUBLIC.values() for name, words in view.columns.items()
    }
    assert {row[0]: row[3] for row in rows} == {view.name: view.comment for view in PUBLIC.values()}


@pytest.mark.integration
def test_granted_roles_may_do_their_work_and_no_more(postgres_url: str) -> None:
    engine = create_engine(parse_url(postgres_url))
    reader, writer = f"reader {threading.get_native_id()}", f"writer {threading.get_native_id()}"
    with engine.begin() as connection:
        connection.execute(text(f'CREATE ROLE "{reader}" LOGIN; CREATE ROLE "{writer}" LOGIN'))
        connection.execute(text(grants("driftd", reader, writer)))
    as_writer = open_store(parse_url(postgres_url).set(username=writer).render_as_string(hide_password=False))
    as_writer.check_schema()
    as_writer.register_models([MODEL], AT)
    as_reader = open_store(parse_url(postgres_url).set(username=reader).render_as_string(hide_password=False))
    assert len(as_reader.view("models")) == 1
    query = "SELECT driftd.driftd_ks(driftd.driftd_reference('none', 'age'), driftd.driftd_sum(counts))"
    with as_reader._database.reading() as connection:  # type: ignore[attr-defined]
        assert connection.execute(text(f"{query} FROM driftd.count_history")).scalar() is None
    with pytest.raises(SchemaError, match="permission denied for table model"):
        as_reader.register_models(["more"], AT)
    as_writer.close_connections()
    as_reader.close_connections()
    with engine.begin() as connection:
        for role in (reader, writer):
            connection.execute(text(f'DROP OWNED BY "{role}"; DROP ROLE "{role}"'))
    engine.dispose()


def test_a_database_can_be_named_without_its_password() -> None:
    database = Database(parse_url("postgresql://ann:s3cret@db.example:5433/results"), "driftd", 1, 1)
    assert database.place == "PostgreSQL db.example:5433/results"
