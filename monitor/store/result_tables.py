"""The tables of what was concluded: judged windows, their counts, verdicts and alerts."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    text,
)

from monitor.store.tables import amount, key, metadata, words
from monitor.store.types import EventTime, Figure, Instant, Json, RowId, Words


def start() -> Column[int]:
    """Make the time column of a key."""
    return Column("window_start", EventTime(), primary_key=True)


def end() -> Column[int]:
    """Make the column of a window's end."""
    return Column("window_end", EventTime(), nullable=False)


def moment(name: str, *, nullable: bool = False) -> Column[int]:
    """Make a column of event time."""
    return Column(name, EventTime(), nullable=nullable)


OF_EVIDENCE = ("model_version", "reference_id", "config_hash")
"""What an alert's latest evidence was found with."""


closed_window = Table(
    "closed_window",
    metadata,
    key("model"),
    start(),
    key("segment"),
    end(),
    words("model_version"),
    words("reference_id"),
    amount("rows"),
    amount("late"),
    amount("rejected"),
    amount("labelled"),
    Column("closed_at", Instant(), nullable=False),
    Column("config_hash", Words(), nullable=False, server_default=""),
    comment="Judged windows.",
)
Index("closed_window_start", closed_window.c.window_start)

window_counts = Table(
    "window_counts",
    metadata,
    key("model"),
    start(),
    key("segment"),
    key("feature"),
    Column("counts", LargeBinary(), nullable=False),
    comment="The counts of judged windows on the reference's grid, in the detectors' wire form.",
)
Index("window_counts_start", window_counts.c.window_start)

day_counts = Table(
    "day_counts",
    metadata,
    key("model"),
    start(),
    key("segment"),
    key("feature"),
    moment("last_start"),
    end(),
    words("reference_id"),
    Column("windows", Integer(), nullable=False),
    Column("counts", LargeBinary(), nullable=False),
    comment="The counts of a day's windows added up: they have no row in window_counts any more.",
)
Index("day_counts_start", day_counts.c.window_start)

drift_result = Table(
    "drift_result",
    metadata,
    key("model"),  # the key's order serves the history of one feature; the index below, of one month
    key("feature"),
    Column("multiple", Integer(), primary_key=True, autoincrement=False),
    start(),
    key("segment"),
    key("shift"),
    key("detector"),
    end(),
    words("model_version"),
    Column("statistic", Figure()),
    Column("p_value", Figure()),
    Column("adjusted_p", Figure()),
    Column("effect", Figure()),
    Column("effect_low", Figure()),
    Column("effect_high", Figure()),
    Column("threshold", Figure()),
    words("verdict"),
    amount("n_reference"),
    amount("n_current"),
    Column("bound", Figure()),
    words("reference_id"),
    words("note"),
    Column("details", Json, nullable=False),
    Column("evaluated_at", Instant(), nullable=False),
    Column("config_hash", Words()),
    comment="Every detector's verdict about every feature in every window.",
)
Index("drift_result_start", drift_result.c.window_start, drift_result.c.model)

quality_result = Table(
    "quality_result",
    metadata,
    key("model"),
    key("feature"),
    key("check_name"),
    start(),
    key("segment"),
    end(),
    words("model_version"),
    words("dimension"),
    words("expected"),
    words("observed"),
    amount("failed_rows"),
    amount("total_rows"),
    Column("p_value", Figure()),
    words("verdict"),
    words("reference_id"),
    words("note"),
    Column("evaluated_at", Instant(), nullable=False),
    Column("config_hash", Words()),
    comment="Every check's verdict about every feature in every window.",
)
Index("quality_result_start", quality_result.c.window_start, quality_result.c.model)

performance_result = Table(
    "performance_result",
    metadata,
    key("model"),
    start(),
    Column("multiple", Integer(), primary_key=True, autoincrement=False),
    key("segment"),
    key("metric"),
    Column("is_estimate", Boolean(), primary_key=True),
    end(),
    words("model_version"),
    Column("value", Figure()),
    Column("low", Figure()),
    Column("high", Figure()),
    Column("reference_value", Figure()),
    amount("labelled_rows"),
    words("verdict"),
    words("reference_id"),
    words("note"),
    Column("evaluated_at", Instant(), nullable=False),
    Column("p_value", Figure()),
    Column("adjusted_p", Figure()),
    Column("band_low", Figure()),
    Column("band_high", Figure()),
    Column("label_ratio", Figure()),
    Column("direction", Words(), nullable=False, server_default=""),
    Column("revision", Integer(), nullable=False, server_default="0"),
    Column("config_hash", Words()),
    comment="How well the model did in each window, measured on labels or estimated without them.",
)
Index("performance_result_start", performance_result.c.window_start)

performance_revision = Table(
    "performance_revision",
    metadata,
    key("model"),
    start(),
    Column("multiple", Integer(), primary_key=True, autoincrement=False),
    key("segment"),
    key("metric"),
    Column("is_estimate", Boolean(), primary_key=True),
    Column("revision", Integer(), primary_key=True, autoincrement=False),
    end(),
    Column("value", Figure()),
    Column("low", Figure()),
    Column("high", Figure()),
    amount("labelled_rows"),
    words("verdict"),
    Column("evaluated_at", Instant(), nullable=False),
    comment="What performance_result said before it said something else.",
)
Index("performance_revision_start", performance_revision.c.window_start)

alert = Table(
    "alert",
    metadata,
    key("alert_id"),
    words("fingerprint"),
    words("model"),
    words("shift"),
    words("feature"),
    words("check_name"),
    words("segment"),
    words("severity"),
    words("status"),
    Column("multiple", Integer(), nullable=False),
    moment("opened_at"),
    moment("last_bad_at"),
    moment("fired_at", nullable=True),
    moment("resolved_at", nullable=True),
    Column("bad_windows", Integer(), nullable=False),
    Column("clear_windows", Integer(), nullable=False),
    words("summary"),
    Column("labels", Json, nullable=False),
    Column("annotations", Json, nullable=False),
    Column("notified_at", Instant()),
    *(Column(name, Words(), nullable=False, server_default="") for name in OF_EVIDENCE),
    comment="One row per incident, from its first bad window on; times are event times.",
)
Index("alert_fingerprint", alert.c.fingerprint, alert.c.opened_at)
Index("alert_model", alert.c.model, alert.c.opened_at)
Index(
    "alert_open",
    alert.c.model,
    postgresql_where=text("status <> 'resolved'"),
    sqlite_where=text("status <> 'resolved'"),
)

alert_group = Table(
    "alert_group",
    metadata,
    key("key"),
    words("model"),
    Column("next_flush_at", Instant()),
    Column("last_flush_at", Instant()),
    comment="Alerts that share one message, and when it may next be sent.",
)

notification = Table(
    "notification",
    metadata,
    Column("id", RowId, Identity(always=True), primary_key=True),
    words("group_key"),
    words("model"),
    words("service"),
    words("reason"),
    Column("firing", Json, nullable=False),
    Column("resolved", Json, nullable=False),
    words("title"),
    words("slack_markdown"),
    words("html"),
    words("text"),
    words("state"),
    Column("attempts", Integer(), nullable=False),
    Column("created_at", Instant(), nullable=False),
    Column("next_attempt_at", Instant(), nullable=False),
    Column("claimed_until", Instant()),
    Column("sent_at", Instant()),
    Column("last_error", Words()),
    Column("payload", Json, nullable=False, server_default="{}"),
    comment="The outbox, and afterwards the record of what each service was told. "
    "state: queued, sent, failed (given up) or superseded (a newer one took its place).",
)
Index(
    "notification_queued",
    notification.c.group_key,
    notification.c.service,
    unique=True,
    postgresql_where=text("state = 'queued'"),
    sqlite_where=text("state = 'queued'"),
)
Index("notification_group", notification.c.group_key, notification.c.service, notification.c.id)

digest = Table(
    "digest",
    metadata,
    key("service"),
    Column("next_at", Instant(), nullable=False),
    comment="When each service's next digest is due.",
)

digest_item = Table(
    "digest_item",
    metadata,
    Column("id", RowId, Identity(always=True), primary_key=True),
    words("service"),
    words("alert_id"),
    Column("noted_at", Instant(), nullable=False),
    comment="Incidents that began or ended since the last digest of a service.",
)
Index("digest_item_service", digest_item.c.service)

silence = Table(
    "silence",
    metadata,
    Column("id", RowId, Identity(always=True), primary_key=True),
    Column("matchers", Json, nullable=False),
    Column("starts_at", Instant(), nullable=False),
    Column("ends_at", Instant(), nullable=False),
    words("created_by"),
    words("comment"),
    comment="Alerts that match are not sent while the silence lasts.",
)
