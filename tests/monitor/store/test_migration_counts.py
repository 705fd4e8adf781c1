"""Revision 0011 on a database that a version before it has filled."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from sqlalchemy import insert

from detectors.profile import encode_parts
from detectors.reference_wire import encode
from monitor.store import migrate
from monitor.store.connect import Database, parse_url
from monitor.store.sql import open_store
from monitor.store.tables import model, reference
from tests.monitor import worlds
from tests.monitor.store.rows import AT, MODEL

PLAIN = {"model": MODEL, "version": "", "rows": 1, "source": "", "content_hash": "", "built_at": AT}


def test_the_counts_of_references_that_were_there_are_there_for_sql(empty_url: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/driftd.sqlite" if empty_url == "sqlite://" else empty_url
    parsed = parse_url(url)
    schema = "driftd" if parsed.get_backend_name() == "postgresql" else None
    database = Database(parsed, schema, 30, 300)
    known = worlds.reference()
    with database.writing() as connection:
        migrate.take_turn(connection, schema)
        command.upgrade(migrate.config(connection, schema), "0010")
        connection.execute(insert(model).values(name=MODEL, registered_at=AT))
        rows = [{"id": known.id, "active": True, "payload": encode(known)},
                {"id": "odd", "active": False, "payload": b"\x00grid"}]  # fmt: skip
        connection.execute(insert(reference), [PLAIN | row for row in rows])
    database.close()
    store = open_store(url)
    store.upgrade_schema()
    found = {(row["reference_id"], row["feature"]): row["counts"] for row in store.view("ref_counts")}
    parts = encode_parts(known.profile)
    assert found == {(known.id, name): blob for name, blob in parts.items() if not name.startswith(":")}
    store.close_connections()
