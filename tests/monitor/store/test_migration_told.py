"""Revision 0008 on a database that a version before it has filled."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from sqlalchemy import insert

from alerts.model import Status
from alerts.outgoing import Sent
from monitor.store import migrate
from monitor.store.alerting import as_row
from monitor.store.connect import Database, parse_url
from monitor.store.outbox import as_row as notification_row
from monitor.store.result_tables import OF_EVIDENCE
from monitor.store.result_tables import alert as alert_table
from monitor.store.result_tables import notification as notification_table
from monitor.store.sql import open_store
from monitor.store.tables import model
from tests.monitor.store.rows import AT, MODEL, alert, held, notification


def test_what_services_were_told_is_known_after_an_upgrade(empty_url: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/driftd.sqlite" if empty_url == "sqlite://" else empty_url
    parsed = parse_url(url)
    schema = "driftd" if parsed.get_backend_name() == "postgresql" else None
    database = Database(parsed, schema, 30, 300)
    once, again = alert(status=Status.RESOLVED), alert(hour=5)
    told = notification_row(notification(firing=frozenset({again.fingerprint})))
    with database.writing() as connection:
        migrate.take_turn(connection, schema)
        command.upgrade(migrate.config(connection, schema), "0007")
        connection.execute(insert(model).values(name=MODEL, registered_at=AT))
        rows = [as_row(MODEL, one) for one in (again, once)]
        before = [{name: row[name] for name in row.keys() - OF_EVIDENCE} for row in rows]
        connection.execute(insert(alert_table), before)
        row = told | {"state": "sent", "sent_at": AT}
        del row["payload"]  # there was none
        connection.execute(insert(notification_table).values(row))
        connection.execute(insert(notification_table).values(row | {"reason": "test", "firing": []}))
    database.close()
    store = open_store(url)
    store.upgrade_schema()
    with store.lock(MODEL) as lock:
        assert held(lock).sent("model=churn") == {"slack": Sent(frozenset({again.alert_id}), frozenset(), AT)}
    store.close_connections()
