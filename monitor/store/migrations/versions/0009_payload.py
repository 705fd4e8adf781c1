"""Notifications as data, for services that take no words."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# As they were when this revision was written: it must not change when monitor.store.types does.
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("notification", sa.Column("payload", JSON, nullable=False, server_default="{}"))
