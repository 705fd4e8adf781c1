"""Deployments: the processes that run on a schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# As they were when this revision was written: it must not change when monitor.store.types does.
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "deployment",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("process", TEXT, nullable=False),
        sa.Column("group_id", TEXT, nullable=False),
        sa.Column("config_path", TEXT, nullable=False),
        sa.Column("config_hash", TEXT, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("beat_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="The processes that run on this schema: all have to be of one consumer group.",
    )
