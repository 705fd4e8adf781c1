"""Configurations that results are made with."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, update

from monitor.store.base import ConfigRow
from monitor.store.statements import inserting
from monitor.store.tables import config

SEEN_EVERY = timedelta(minutes=1)
"""How exactly ``last_seen`` is kept: a write of each process every few seconds would be for nobody."""


def register_config(connection: Connection, row: ConfigRow) -> None:
    """Store a configuration that is new, and note who runs with it from when on."""
    values = {
        "hash": row.hash,
        "driftd_version": row.driftd_version,
        "settings": row.settings,
        "first_seen": row.at,
        "last_seen": row.at,
    }
    changed = {name: values[name] for name in ("driftd_version", "last_seen")}
    statement = inserting(connection, config).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=["hash"], set_=changed))


def still_seen(connection: Connection, config_hash: str, at: datetime) -> None:
    """Note that something runs with it still."""
    is_old = config.c.last_seen < at - SEEN_EVERY
    connection.execute(update(config).where(config.c.hash == config_hash, is_old).values(last_seen=at))
