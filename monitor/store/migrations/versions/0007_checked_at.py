"""When the owner of a partition last looked whether there is more to read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("partition_clock", sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True))
