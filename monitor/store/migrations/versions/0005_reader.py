"""Readers: which process reads each partition, and how far it had come lately."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# As they were when this revision was written: it must not change when monitor.store.types does.
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "reader",
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("process", TEXT, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("beat_at", TIME, nullable=False),
        sa.Column("recent", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition"),
        comment="The process that reads each partition, and its latest positions.",
    )
