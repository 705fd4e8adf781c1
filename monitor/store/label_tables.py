"""The tables of what comes with labels: sums per window, detectors' checkpoints, the challenger."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Table, text

from monitor.store.result_tables import end, moment, start
from monitor.store.tables import amount, key, metadata, words
from monitor.store.types import Figure, Instant


def partition() -> Column[int]:
    """Make the partition's column of a key."""
    return Column("partition", Integer(), primary_key=True, autoincrement=False)


joined_window = Table(
    "joined_window",
    metadata,
    key("model"),
    start(),
    key("segment"),
    key("topic"),
    partition(),
    end(),
    words("reference_id"),
    amount("labelled"),
    amount("unusable"),
    amount("duplicates"),
    amount("corrected"),
    amount("too_late"),
    amount("unmatched"),
    Column("changed", Boolean(), nullable=False),
    Column("sums", LargeBinary(), nullable=False),
    Column("arms", LargeBinary(), nullable=False, server_default=text("''")),
    comment="Each partition's sums over the predictions of a window whose label is known. "
    "changed: not looked at since labels came.",
)
Index("joined_window_end", joined_window.c.window_end)
Index(
    "joined_window_changed",
    joined_window.c.model,
    joined_window.c.window_start,
    postgresql_where=text("changed"),
    sqlite_where=text("changed"),
)

learned_window = Table(
    "learned_window",
    metadata,
    key("model"),
    start(),
    key("segment"),
    key("topic"),
    partition(),
    end(),
    words("reference_id"),
    Column("sums", LargeBinary(), nullable=False),
    comment="Each partition's losses that became known in a window, "
    "until the sequential detectors learn them.",
)

detector_state = Table(
    "detector_state",
    metadata,
    key("model"),
    key("segment"),
    key("signal"),
    key("detector"),
    moment("until"),
    amount("rows"),
    amount("dropped"),
    Column("state", LargeBinary(), nullable=False),
    comment="Checkpoints of the sequential detectors.",
)

challenger_result = Table(
    "challenger_result",
    metadata,
    key("model"),
    start(),
    end(),
    words("base"),
    words("rule"),
    amount("rows"),
    Column("production_errors", Figure()),
    Column("challenger_errors", Figure()),
    Column("difference", Figure()),
    Column("low", Figure()),
    Column("high", Figure()),
    amount("scored_rows"),
    Column("abstention_share", Figure()),
    amount("shed_rows"),
    comment="The challenger beside production's model on the same labelled rows of each window.",
)
challenger_lease = Table(
    "challenger_lease",
    metadata,
    key("model"),
    words("holder"),
    Column("until", Instant(), nullable=False),
    comment="Which folder of which machine a model's challenger learns in; it may change when until is over.",
)
Index("challenger_result_start", challenger_result.c.window_start)
