"""Which processes run on this schema."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

from sqlalchemy import Connection, delete, select

from monitor.store.base import Deployment
from monitor.store.configs import still_seen
from monitor.store.statements import upsert
from monitor.store.tables import deployment

FORGOTTEN_AFTER = timedelta(days=1)


def beat(connection: Connection, one: Deployment) -> None:
    """Note a process, and forget those that nobody has heard of for a day."""
    connection.execute(delete(deployment).where(deployment.c.beat_at < one.beat_at - FORGOTTEN_AFTER))
    upsert(connection, deployment, [asdict(one)])
    still_seen(connection, one.config_hash, one.beat_at)


def deployments(connection: Connection) -> tuple[Deployment, ...]:
    """Give them all, in the order in which they started."""
    query = select(deployment).order_by(deployment.c.since, deployment.c.id)
    return tuple(Deployment(**row) for row in connection.execute(query).mappings())


def leave(connection: Connection, deployment_id: str) -> None:
    """Forget one that has ended."""
    connection.execute(delete(deployment).where(deployment.c.id == deployment_id))
