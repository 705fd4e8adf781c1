"""The tables that driftd works on; users are promised the views, not these.

Names are natural keys (a model's name, a feature's): rows are written every second without looking ids up,
and a view of history is its table. A change here needs a migration.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    text,
)

from monitor.store.types import EventTime, Instant, Json, Words

metadata = MetaData()


def key(name: str) -> Column[str]:
    """Make a text column of a primary key."""
    return Column(name, Words(), primary_key=True)


def amount(name: str) -> Column[int]:
    """Make a column for a count or an offset."""
    return Column(name, BigInteger(), nullable=False)


def words(name: str) -> Column[str]:
    """Make a text column."""
    return Column(name, Words(), nullable=False)


model = Table(
    "model",
    metadata,
    key("name"),
    Column("registered_at", Instant(), nullable=False),
    Column("closed_until", EventTime()),
    Column("learned_until", EventTime()),
    Column("published_until", EventTime()),
    comment="One row per model; its row lock decides which process judges the model's windows.",
)

reference = Table(
    "reference",
    metadata,
    key("id"),
    Column("model", Words(), ForeignKey("model.name", name="reference_model"), nullable=False),
    words("version"),
    amount("rows"),
    words("source"),
    words("content_hash"),
    Column("built_at", Instant(), nullable=False),
    Column("active", Boolean(), nullable=False),
    Column("payload", LargeBinary(), nullable=False),
    Column("data_version", Words(), nullable=False, server_default=""),
    comment="References in the detectors' wire form; at most one is active per model.",
)
Index(
    "reference_active",
    reference.c.model,
    unique=True,
    postgresql_where=text("active"),
    sqlite_where=text("active"),
)

reference_counts = Table(
    "reference_counts",
    metadata,
    key("reference_id"),
    key("feature"),
    Column("counts", LargeBinary(), nullable=False),
    comment="The counts of references by feature, in the form of window_counts.",
)

cursor = Table(
    "cursor",
    metadata,
    key("topic"),
    Column("partition", Integer(), primary_key=True, autoincrement=False),
    amount("next_offset"),
    Column("log_end", BigInteger()),
    comment="Up to where each partition has been read: moves only together with what was read.",
)

watched = Table(
    "watched",
    metadata,
    key("entry"),
    comment="Topics that are looked for, by name or pattern: what comes later is read from its start.",
)

reader = Table(
    "reader",
    metadata,
    key("topic"),
    Column("partition", Integer(), primary_key=True, autoincrement=False),
    words("process"),
    Column("since", Instant(), nullable=False),
    Column("beat_at", Instant(), nullable=False),
    words("recent"),
    comment="The process that reads each partition, and its latest positions.",
)

deployment = Table(
    "deployment",
    metadata,
    key("id"),
    words("process"),
    words("group_id"),
    words("config_path"),
    words("config_hash"),
    Column("since", Instant(), nullable=False),
    Column("beat_at", Instant(), nullable=False),
    comment="The processes that run on this schema: all have to be of one consumer group.",
)

config = Table(
    "config",
    metadata,
    key("hash"),
    words("driftd_version"),
    Column("settings", Json, nullable=False),
    Column("first_seen", Instant(), nullable=False),
    Column("last_seen", Instant(), nullable=False),
    comment="Configurations that results were made with, without their secrets.",
)

partition_clock = Table(
    "partition_clock",
    metadata,
    key("model"),
    key("topic"),
    Column("partition", Integer(), primary_key=True, autoincrement=False),
    Column("max_event", EventTime()),
    Column("active_at", Instant(), nullable=False),
    Column("caught_up", Boolean(), nullable=False),
    Column("checked_at", Instant()),
    comment="How far event time has come in each partition, per model.",
)

open_window = Table(
    "open_window",
    metadata,
    key("model"),
    Column("window_start", EventTime(), primary_key=True),
    key("segment"),
    key("topic"),
    Column("partition", Integer(), primary_key=True, autoincrement=False),
    Column("window_end", EventTime(), nullable=False),
    words("reference_id"),
    amount("rows"),
    amount("rejected"),
    Column("profile", LargeBinary(), nullable=False),
    comment="Each partition's share of the windows that have not been judged.",
)
Index("open_window_partition", open_window.c.topic, open_window.c.partition)

late_count = Table(
    "late_count",
    metadata,
    key("model"),
    Column("window_start", EventTime(), primary_key=True),
    key("segment"),
    Column("window_end", EventTime(), nullable=False),
    amount("rows"),
    comment="Late rows of windows that have no row in closed_window (yet).",
)

reject = Table(
    "reject",
    metadata,
    key("topic"),
    Column("partition", Integer(), primary_key=True, autoincrement=False),
    Column("message_offset", BigInteger(), primary_key=True, autoincrement=False),
    key("model"),
    words("reason"),
    words("detail"),
    Column("sample", LargeBinary(), nullable=False),
    Column("at", Instant(), nullable=False),
    comment="Messages, or a model's rows in them, that could not be used.",
)
Index("reject_at", reject.c.at)

gap = Table(
    "gap",
    metadata,
    key("topic"),
    Column("partition", Integer(), primary_key=True, autoincrement=False),
    Column("first_lost", BigInteger(), primary_key=True, autoincrement=False),
    Column("next_available", BigInteger(), primary_key=True, autoincrement=False),
    Column("at", Instant(), nullable=False),
    comment="Offsets that the broker no longer held when they were wanted.",
)
