"""What was concluded: windows, verdicts, alerts, notifications."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# As they were when this revision was written: it must not change when monitor.store.types does.
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)
BIG = sa.BigInteger()
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FIGURE: sa.Double[float] = sa.Double()
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

FOR_POSTGRES = "ALTER TABLE window_counts ALTER COLUMN counts SET STORAGE EXTERNAL"  # compressed already


def upgrade() -> None:
    for make in (
        closed_window,
        window_counts,
        drift_result,
        quality_result,
        performance_result,
        alert,
        alert_group,
        notification,
        silence,
    ):
        make()
    if op.get_bind().dialect.name == "postgresql":
        op.execute(FOR_POSTGRES)


def closed_window() -> None:
    op.create_table(
        "closed_window",
        sa.Column("model", TEXT, nullable=False),
        sa.Column("window_start", TIME, nullable=False),
        sa.Column("segment", TEXT, nullable=False),
        sa.Column("window_end", TIME, nullable=False),
        sa.Column("model_version", TEXT, nullable=False),
        sa.Column("reference_id", TEXT, nullable=False),
        sa.Column("rows", BIG, nullable=False),
        sa.Column("late", BIG, nullable=False),
        sa.Column("rejected", BIG, nullable=False),
        sa.Column("labelled", BIG, nullable=False),
        sa.Column("closed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("model", "window_start", "segment"),
        comment="Judged windows.",
    )
    op.create_index("closed_window_start", "closed_window", ["window_start"], unique=False)


def window_counts() -> None:
    op.create_table(
        "window_counts",
        sa.Column("model", TEXT, nullable=False),
        sa.Column("window_start", TIME, nullable=False),
        sa.Column("segment", TEXT, nullable=False),
        sa.Column("feature", TEXT, nullable=False),
        sa.Column("counts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("model", "window_start", "segment", "feature"),
        comment="The counts of judged windows on the reference's grid, in the detectors' wire form.",
    )
    op.create_index("window_counts_start", "window_counts", ["window_start"], unique=False)


def drift_result() -> None:
    op.create_table(
        "drift_result",
        sa.Column("model", TEXT, nullable=False),
        sa.Column("feature", TEXT, nullable=False),
        sa.Column("multiple", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("window_start", TIME, nullable=False),
        sa.Column("segment", TEXT, nullable=False),
        sa.Column("shift", TEXT, nullable=False),
        sa.Column("detector", TEXT, nullable=False),
        sa.Column("window_end", TIME, nullable=False),
        sa.Column("model_version", TEXT, nullable=False),
        sa.Column("statistic", FIGURE, nullable=True),
        sa.Column("p_value", FIGURE, nullable=True),
        sa.Column("adjusted_p", FIGURE, nullable=True),
        sa.Column("effect", FIGURE, nullable=True),
        sa.Column("effect_low", FIGURE, nullable=True),
        sa.Column("effect_high", FIGURE, nullable=True),
        sa.Column("threshold", FIGURE, nullable=True),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("n_reference", BIG, nullable=False),
        sa.Column("n_current", BIG, nullable=False),
        sa.Column("bound", FIGURE, nullable=True),
        sa.Column("reference_id", TEXT, nullable=False),
        sa.Column("note", TEXT, nullable=False),
        sa.Column("details", JSON, nullable=False),
        sa.Column("evaluated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint(
            "model", "feature", "multiple", "window_start", "segment", "shift", "detector"
        ),
        comment="Every detector's verdict about every feature in every window.",
    )
    op.create_index("drift_result_start", "drift_result", ["window_start", "model"], unique=False)


def quality_result() -> None:
    op.create_table(
        "quality_result",
        sa.Column("model", TEXT, nullable=False),
        sa.Column("feature", TEXT, nullable=False),
        sa.Column("check_name", TEXT, nullable=False),
        sa.Column("window_start", TIME, nullable=False),
        sa.Column("segment", TEXT, nullable=False),
        sa.Column("window_end", TIME, nullable=False),
        sa.Column("model_version", TEXT, nullable=False),
        sa.Column("dimension", TEXT, nullable=False),
        sa.Column("expected", TEXT, nullable=False),
        sa.Column("observed", TEXT, nullable=False),
        sa.Column("failed_rows", BIG, nullable=False),
        sa.Column("total_rows", BIG, nullable=False),
        sa.Column("p_value", FIGURE, nullable=True),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("reference_id", TEXT, nullable=False),
        sa.Column("note", TEXT, nullable=False),
        sa.Column("evaluated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("model", "feature", "check_name", "window_start", "segment"),
        comment="Every check's verdict about every feature in every window.",
    )
    op.create_index("quality_result_start", "quality_result", ["window_start", "model"], unique=False)


def performance_result() -> None:
    op.create_table(
        "performance_result",
        sa.Column("model", TEXT, nullable=False),
        sa.Column("window_start", TIME, nullable=False),
        sa.Column("multiple", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("segment", TEXT, nullable=False),
        sa.Column("metric", TEXT, nullable=False),
        sa.Column("is_estimate", sa.Boolean(), nullable=False),
        sa.Column("window_end", TIME, nullable=False),
        sa.Column("model_version", TEXT, nullable=False),
        sa.Column("value", FIGURE, nullable=True),
        sa.Column("low", FIGURE, nullable=True),
        sa.Column("high", FIGURE, nullable=True),
        sa.Column("reference_value", FIGURE, nullable=True),
        sa.Column("labelled_rows", BIG, nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("reference_id", TEXT, nullable=False),
        sa.Column("note", TEXT, nullable=False),
        sa.Column("evaluated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("model", "window_start", "multiple", "segment", "metric", "is_estimate"),
        comment="How well the model did in each window, measured on labels or estimated without them.",
    )
    op.create_index("performance_result_start", "performance_result", ["window_start"], unique=False)


def alert() -> None:
    op.create_table(
        "alert",
        sa.Column("alert_id", TEXT, nullable=False),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("model", TEXT, nullable=False),
        sa.Column("shift", TEXT, nullable=False),
        sa.Column("feature", TEXT, nullable=False),
        sa.Column("check_name", TEXT, nullable=False),
        sa.Column("segment", TEXT, nullable=False),
        sa.Column("severity", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("multiple", sa.Integer(), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("last_bad_at", TIME, nullable=False),
        sa.Column("fired_at", TIME, nullable=True),
        sa.Column("resolved_at", TIME, nullable=True),
        sa.Column("bad_windows", sa.Integer(), nullable=False),
        sa.Column("clear_windows", sa.Integer(), nullable=False),
        sa.Column("summary", TEXT, nullable=False),
        sa.Column("labels", JSON, nullable=False),
        sa.Column("annotations", JSON, nullable=False),
        sa.Column("notified_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("alert_id"),
        comment="One row per incident, from its first bad window on; times are event times.",
    )
    op.create_index("alert_fingerprint", "alert", ["fingerprint", "opened_at"], unique=False)
    op.create_index("alert_model", "alert", ["model", "opened_at"], unique=False)
    op.create_index(
        "alert_open",
        "alert",
        ["model"],
        unique=False,
        postgresql_where=sa.text("status <> 'resolved'"),
        sqlite_where=sa.text("status <> 'resolved'"),
    )


def alert_group() -> None:
    op.create_table(
        "alert_group",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("model", TEXT, nullable=False),
        sa.Column("next_flush_at", TIME, nullable=True),
        sa.Column("last_flush_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("key"),
        comment="Alerts that share one message, and when it may next be sent.",
    )


def notification() -> None:
    op.create_table(
        "notification",
        sa.Column("id", ROW_ID, sa.Identity(always=True), nullable=False),
        sa.Column("group_key", TEXT, nullable=False),
        sa.Column("model", TEXT, nullable=False),
        sa.Column("service", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("firing", JSON, nullable=False),
        sa.Column("resolved", JSON, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("slack_markdown", TEXT, nullable=False),
        sa.Column("html", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("next_attempt_at", TIME, nullable=False),
        sa.Column("claimed_until", TIME, nullable=True),
        sa.Column("sent_at", TIME, nullable=True),
        sa.Column("last_error", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        comment="The outbox, and afterwards the record of what each service was told. "
        "state: queued, sent, failed (given up) or superseded (a newer one took its place).",
    )
    op.create_index("notification_group", "notification", ["group_key", "service", "id"], unique=False)
    op.create_index(
        "notification_queued",
        "notification",
        ["group_key", "service"],
        unique=True,
        postgresql_where=sa.text("state = 'queued'"),
        sqlite_where=sa.text("state = 'queued'"),
    )


def silence() -> None:
    op.create_table(
        "silence",
        sa.Column("id", ROW_ID, sa.Identity(always=True), nullable=False),
        sa.Column("matchers", JSON, nullable=False),
        sa.Column("starts_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("comment", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="Alerts that match are not sent while the silence lasts.",
    )
