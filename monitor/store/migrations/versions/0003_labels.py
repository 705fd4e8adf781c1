"""Labels: sums of joined rows, sequential detectors, the challenger, revisions of published metrics."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# As they were when this revision was written: it must not change when monitor.store.types does.
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)
BIG = sa.BigInteger()
FIGURE: sa.Double[float] = sa.Double()

# Sums are compressed already, losses are noise. What is rewritten all the time is cleaned up without pauses.
FOR_POSTGRES = """
ALTER TABLE joined_window ALTER COLUMN sums SET STORAGE EXTERNAL;
ALTER TABLE learned_window ALTER COLUMN sums SET STORAGE EXTERNAL;
ALTER TABLE joined_window SET (autovacuum_vacuum_cost_delay = 0, toast.autovacuum_vacuum_cost_delay = 0);
ALTER TABLE learned_window SET (autovacuum_vacuum_cost_delay = 0, toast.autovacuum_vacuum_cost_delay = 0)
"""


def upgrade() -> None:
    for make in (
        model,
        performance_result,
        performance_revision,
        joined_window,
        learned_window,
        detector_state,
        challenger_result,
    ):
        make()
    if op.get_bind().dialect.name == "postgresql":
        op.execute(FOR_POSTGRES)


def model() -> None:
    for name in ("learned_until", "published_until"):
        op.add_column("model", sa.Column(name, TIME, nullable=True))


def performance_result() -> None:
    for name in ("p_value", "adjusted_p", "band_low", "band_high", "label_ratio"):
        op.add_column("performance_result", sa.Column(name, FIGURE, nullable=True))
    direction = sa.Column("direction", TEXT, nullable=False, server_default="")
    op.add_column("performance_result", direction)
    op.add_column(
        "performance_result", sa.Column("revision", sa.Integer(), nullable=False, server_default="0")
    )


def performance_revision() -> None:
    op.create_table(
        "performance_revision",
        sa.Column("model", TEXT, nullable=False),
        sa.Column("window_start", TIME, nullable=False),
        sa.Column("multiple", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("segment", TEXT, nullable=False),
        sa.Column("metric", TEXT, nullable=False),
        sa.Column("is_estimate", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("window_end", TIME, nullable=False),
        sa.Column("value", FIGURE, nullable=True),
        sa.Column("low", FIGURE, nullable=True),
        sa.Column("high", FIGURE, nullable=True),
        sa.Column("labelled_rows", BIG, nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("evaluated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint(
            "model", "window_start", "multiple", "segment", "metric", "is_estimate", "revision"
        ),
        comment="What performance_result said before it said something else.",
    )
    op.create_index("performance_revision_start", "performance_revision", ["window_start"], unique=False)


def joined_window() -> None:
    op.create_table(
        "joined_window",
        sa.Column("model", TEXT, nullable=False),
        sa.Column("window_start", TIME, nullable=False),
        sa.Column("segment", TEXT, nullable=False),
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("window_end", TIME, nullable=False),
        sa.Column("reference_id", TEXT, nullable=False),
        sa.Column("labelled", BIG, nullable=False),
        sa.Column("unusable", BIG, nullable=False),
        sa.Column("duplicates", BIG, nullable=False),
        sa.Column("corrected", BIG, nullable=False),
        sa.Column("too_late", BIG, nullable=False),
        sa.Column("unmatched", BIG, nullable=False),
        sa.Column("changed", sa.Boolean(), nullable=False),
        sa.Column("sums", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("model", "window_start", "segment", "topic", "partition"),
        comment="Each partition's sums over the predictions of a window whose label is known. "
        "changed: not looked at since labels came.",
    )
    op.create_index("joined_window_end", "joined_window", ["window_end"], unique=False)
    op.create_index(
        "joined_window_changed",
        "joined_window",
        ["model", "window_start"],
        unique=False,
        postgresql_where=sa.text("changed"),
        sqlite_where=sa.text("changed"),
    )


def learned_window() -> None:
    op.create_table(
        "learned_window",
        sa.Column("model", TEXT, nullable=False),
        sa.Column("window_start", TIME, nullable=False),
        sa.Column("segment", TEXT, nullable=False),
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("window_end", TIME, nullable=False),
        sa.Column("reference_id", TEXT, nullable=False),
        sa.Column("sums", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("model", "window_start", "segment", "topic", "partition"),
        comment="Each partition's losses that became known in a window, "
        "until the sequential detectors learn them.",
    )


def detector_state() -> None:
    op.create_table(
        "detector_state",
        sa.Column("model", TEXT, nullable=False),
        sa.Column("segment", TEXT, nullable=False),
        sa.Column("signal", TEXT, nullable=False),
        sa.Column("detector", TEXT, nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.Column("rows", BIG, nullable=False),
        sa.Column("dropped", BIG, nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("model", "segment", "signal", "detector"),
        comment="Checkpoints of the sequential detectors.",
    )


def challenger_result() -> None:
    op.create_table(
        "challenger_result",
        sa.Column("model", TEXT, nullable=False),
        sa.Column("window_start", TIME, nullable=False),
        sa.Column("window_end", TIME, nullable=False),
        sa.Column("base", TEXT, nullable=False),
        sa.Column("rule", TEXT, nullable=False),
        sa.Column("rows", BIG, nullable=False),
        sa.Column("production_errors", FIGURE, nullable=True),
        sa.Column("challenger_errors", FIGURE, nullable=True),
        sa.Column("difference", FIGURE, nullable=True),
        sa.Column("low", FIGURE, nullable=True),
        sa.Column("high", FIGURE, nullable=True),
        sa.Column("scored_rows", BIG, nullable=False),
        sa.Column("abstention_share", FIGURE, nullable=True),
        sa.Column("shed_rows", BIG, nullable=False),
        sa.PrimaryKeyConstraint("model", "window_start"),
        comment="The challenger beside production's model on the same labelled rows of each window.",
    )
    op.create_index("challenger_result_start", "challenger_result", ["window_start"], unique=False)
