"""Variants of a model are compared: sums per window, results, and what labels say of each variant."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# As they were when this revision was written: they must not change when monitor.store.types does.
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)
FIGURES = (
    "control_value", "variant_value", "difference", "low", "high", "lift", "lift_low", "lift_high",
    "probability", "log_evidence",
)  # fmt: skip
KEY = ("model", "experiment", "window_start", "kind", "measure", "variant")


def upgrade() -> None:
    op.add_column(
        "joined_window", sa.Column("arms", sa.LargeBinary(), nullable=False, server_default=sa.text("''"))
    )
    op.create_table(
        "experiment_sum",
        *key(),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Double(), nullable=False),
        sa.Column("squares", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint(*KEY),
        comment="Values of each measure in each window by variant: how many, their sum, the sum of squares.",
    )
    op.create_index("experiment_sum_start", "experiment_sum", ["window_start"])
    op.create_table(
        "experiment_result",
        *key(),
        sa.Column("since", TIME, nullable=False),
        sa.Column("model_version", TEXT, nullable=False),
        sa.Column("control", TEXT, nullable=False),
        sa.Column("n_control", sa.BigInteger(), nullable=False),
        sa.Column("n_variant", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Double()) for name in FIGURES),
        sa.Column("conclusion", TEXT, nullable=False),
        sa.Column("reference_id", TEXT, nullable=False),
        sa.Column("note", TEXT, nullable=False),
        sa.Column("evaluated_at", TIME, nullable=False),
        sa.Column("config_hash", TEXT),
        sa.PrimaryKeyConstraint(*KEY),
        comment="What experiments said after each window, of all rows since their beginning.",
    )
    op.create_index("experiment_result_start", "experiment_result", ["window_start"])


def key() -> list[sa.Column[object]]:
    return [
        sa.Column("model", TEXT, nullable=False),
        sa.Column("experiment", TEXT, nullable=False),
        sa.Column("window_start", TIME, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("measure", TEXT, nullable=False),
        sa.Column("variant", TEXT, nullable=False),
        sa.Column("window_end", TIME, nullable=False),
    ]
