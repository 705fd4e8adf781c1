"""Notifications name incidents by their ids, no longer alerts by their fingerprints."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# As they were when this revision was written: it must not change when monitor.store.types does.
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
ALERT = sa.table("alert", sa.column("alert_id"), sa.column("fingerprint"), sa.column("opened_at"))
NOTIFICATION = sa.table(
    "notification",
    sa.column("id"),
    sa.column("group_key"),
    sa.column("service"),
    sa.column("state"),
    sa.column("reason"),
    sa.column("firing", JSON),
    sa.column("resolved", JSON),
)


def upgrade() -> None:
    """Name what is queued, and what each service was told last; nothing reads the rows before."""
    connection, rows = op.get_bind(), NOTIFICATION.c
    latest = sa.select(ALERT.c.fingerprint, ALERT.c.alert_id).order_by(ALERT.c.opened_at)
    ids = {fingerprint: alert_id for fingerprint, alert_id in connection.execute(latest)}  # noqa: C416
    newest = sa.select(sa.func.max(rows.id)).where(rows.state == "sent", rows.reason != "test")
    newest = newest.group_by(rows.group_key, rows.service)
    wanted = sa.select(NOTIFICATION).where(sa.or_(rows.state == "queued", rows.id.in_(newest)))
    for row in connection.execute(wanted).all():
        told = {
            "firing": sorted(ids.get(one, one) for one in row.firing),
            "resolved": sorted(ids.get(one, one) for one in row.resolved),
        }
        connection.execute(sa.update(NOTIFICATION).where(rows.id == row.id).values(told))
