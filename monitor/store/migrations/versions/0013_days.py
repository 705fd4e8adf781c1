"""Counts of old windows, added up to days."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# As they were when this revision was written: it must not change when monitor.store.types does.
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)
FOR_POSTGRES = "ALTER TABLE day_counts ALTER COLUMN counts SET STORAGE EXTERNAL"  # compressed already


def upgrade() -> None:
    op.create_table(
        "day_counts",
        sa.Column("model", TEXT, nullable=False),
        sa.Column("window_start", TIME, nullable=False),
        sa.Column("segment", TEXT, nullable=False),
        sa.Column("feature", TEXT, nullable=False),
        sa.Column("last_start", TIME, nullable=False),
        sa.Column("window_end", TIME, nullable=False),
        sa.Column("reference_id", TEXT, nullable=False),
        sa.Column("windows", sa.Integer(), nullable=False),
        sa.Column("counts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("model", "window_start", "segment", "feature"),
        comment="The counts of a day's windows added up: they have no row in window_counts any more.",
    )
    op.create_index("day_counts_start", "day_counts", ["window_start"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(FOR_POSTGRES)
