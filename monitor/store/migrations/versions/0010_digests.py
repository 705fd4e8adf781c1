"""Digests: when each is due, and what the next one tells."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# As they were when this revision was written: it must not change when monitor.store.types does.
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "digest",
        sa.Column("service", TEXT, nullable=False),
        sa.Column("next_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("service"),
        comment="When each service's next digest is due.",
    )
    op.create_table(
        "digest_item",
        sa.Column("id", ROW_ID, sa.Identity(always=True), nullable=False),
        sa.Column("service", TEXT, nullable=False),
        sa.Column("alert_id", TEXT, nullable=False),
        sa.Column("noted_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="Incidents that began or ended since the last digest of a service.",
    )
    op.create_index("digest_item_service", "digest_item", ["service"], unique=False)
