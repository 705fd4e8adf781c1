"""Models, references and how far the log has been read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# As they were when this revision was written: it must not change when monitor.store.types does.
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)
BIG = sa.BigInteger()

# Blobs are compressed already. What is rewritten every second is cleaned up often and without pauses.
FOR_POSTGRES = """
ALTER TABLE reference ALTER COLUMN payload SET STORAGE EXTERNAL;
ALTER TABLE open_window ALTER COLUMN profile SET STORAGE EXTERNAL;
ALTER TABLE open_window SET (autovacuum_vacuum_cost_delay = 0, toast.autovacuum_vacuum_cost_delay = 0);
ALTER TABLE cursor SET (fillfactor = 50);
ALTER TABLE partition_clock SET (fillfactor = 50)
"""


def upgrade() -> None:
    for make in (
        model,
        reference,
        cursor,
        partition_clock,
        open_window,
        late_count,
        reject,
        gap,
    ):
        make()
    if op.get_bind().dialect.name == "postgresql":
        op.execute(FOR_POSTGRES)


def model() -> None:
    op.create_table(
        "model",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("registered_at", TIME, nullable=False),
        sa.Column("closed_until", TIME, nullable=True),
        sa.PrimaryKeyConstraint("name"),
        comment="One row per model; its row lock decides which process judges the model's windows.",
    )


def reference() -> None:
    op.create_table(
        "reference",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("model", TEXT, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("rows", BIG, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("content_hash", TEXT, nullable=False),
        sa.Column("built_at", TIME, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["model"], ["model.name"], name="reference_model"),
        sa.PrimaryKeyConstraint("id"),
        comment="References in the detectors' wire form; at most one is active per model.",
    )
    op.create_index(
        "reference_active",
        "reference",
        ["model"],
        unique=True,
        postgresql_where=sa.text("active"),
        sqlite_where=sa.text("active"),
    )


def cursor() -> None:
    op.create_table(
        "cursor",
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("next_offset", BIG, nullable=False),
        sa.Column("log_end", BIG, nullable=True),
        sa.PrimaryKeyConstraint("topic", "partition"),
        comment="Up to where each partition has been read: moves only together with what was read.",
    )


def partition_clock() -> None:
    op.create_table(
        "partition_clock",
        sa.Column("model", TEXT, nullable=False),
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("max_event", TIME, nullable=True),
        sa.Column("active_at", TIME, nullable=False),
        sa.Column("caught_up", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("model", "topic", "partition"),
        comment="How far event time has come in each partition, per model.",
    )


def open_window() -> None:
    op.create_table(
        "open_window",
        sa.Column("model", TEXT, nullable=False),
        sa.Column("window_start", TIME, nullable=False),
        sa.Column("segment", TEXT, nullable=False),
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("window_end", TIME, nullable=False),
        sa.Column("reference_id", TEXT, nullable=False),
        sa.Column("rows", BIG, nullable=False),
        sa.Column("rejected", BIG, nullable=False),
        sa.Column("profile", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("model", "window_start", "segment", "topic", "partition"),
        comment="Each partition's share of the windows that have not been judged.",
    )
    op.create_index("open_window_partition", "open_window", ["topic", "partition"], unique=False)


def late_count() -> None:
    op.create_table(
        "late_count",
        sa.Column("model", TEXT, nullable=False),
        sa.Column("window_start", TIME, nullable=False),
        sa.Column("segment", TEXT, nullable=False),
        sa.Column("window_end", TIME, nullable=False),
        sa.Column("rows", BIG, nullable=False),
        sa.PrimaryKeyConstraint("model", "window_start", "segment"),
        comment="Late rows of windows that have no row in closed_window (yet).",
    )


def reject() -> None:
    op.create_table(
        "reject",
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("message_offset", BIG, autoincrement=False, nullable=False),
        sa.Column("model", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("detail", TEXT, nullable=False),
        sa.Column("sample", sa.LargeBinary(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", "message_offset", "model"),
        comment="Messages, or a model's rows in them, that could not be used.",
    )
    op.create_index("reject_at", "reject", ["at"], unique=False)


def gap() -> None:
    op.create_table(
        "gap",
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_lost", BIG, autoincrement=False, nullable=False),
        sa.Column("next_available", BIG, autoincrement=False, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", "first_lost", "next_available"),
        comment="Offsets that the broker no longer held when they were wanted.",
    )
