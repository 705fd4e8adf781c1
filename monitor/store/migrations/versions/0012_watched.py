"""Topics that are looked for, by name or pattern: those that come later are read from their beginning."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# As it was when this revision was written: it must not change when monitor.store.types does.
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "watched",
        sa.Column("entry", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("entry"),
        comment="Topics that are looked for, by name or pattern: what comes later is read from its start.",
    )
