"""What results come from: configurations, the training data's version, the evidence of alerts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# As they were when this revision was written: it must not change when monitor.store.types does.
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TIME = sa.DateTime(timezone=True)
OF_EVIDENCE = ("model_version", "reference_id", "config_hash")

FOR_POSTGRES = "UPDATE alert SET reference_id = coalesce(annotations ->> 'reference_id', '')"
FOR_SQLITE = "UPDATE alert SET reference_id = coalesce(json_extract(annotations, '$.reference_id'), '')"


def upgrade() -> None:
    op.create_table(
        "config",
        sa.Column("hash", TEXT, nullable=False),
        sa.Column("driftd_version", TEXT, nullable=False),
        sa.Column("settings", JSON, nullable=False),
        sa.Column("first_seen", TIME, nullable=False),
        sa.Column("last_seen", TIME, nullable=False),
        sa.PrimaryKeyConstraint("hash"),
        comment="Configurations that results were made with, without their secrets.",
    )
    op.add_column("reference", sa.Column("data_version", TEXT, nullable=False, server_default=""))
    op.add_column("closed_window", sa.Column("config_hash", TEXT, nullable=False, server_default=""))
    for table in ("drift_result", "quality_result", "performance_result"):
        op.add_column(table, sa.Column("config_hash", TEXT))
    for name in OF_EVIDENCE:
        op.add_column("alert", sa.Column(name, TEXT, nullable=False, server_default=""))
    op.execute(FOR_POSTGRES if op.get_bind().dialect.name == "postgresql" else FOR_SQLITE)
