"""The tables of experiments: sums per window, and what was concluded from all of them so far."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table

from monitor.store.result_tables import end, moment, start
from monitor.store.tables import amount, key, metadata, words
from monitor.store.types import Figure, Instant, Words

experiment_sum = Table(
    "experiment_sum",
    metadata,
    key("model"),
    key("experiment"),
    start(),
    key("kind"),
    key("measure"),
    key("variant"),
    end(),
    amount("n"),
    Column("total", Figure(), nullable=False),
    Column("squares", Figure(), nullable=False),
    comment="Values of each measure in each window by variant: how many, their sum, the sum of squares.",
)
Index("experiment_sum_start", experiment_sum.c.window_start)

experiment_result = Table(
    "experiment_result",
    metadata,
    key("model"),
    key("experiment"),
    start(),
    key("kind"),
    key("measure"),
    key("variant"),
    end(),
    moment("since"),
    words("model_version"),
    words("control"),
    amount("n_control"),
    amount("n_variant"),
    *(
        Column(name, Figure())
        for name in (
            "control_value", "variant_value", "difference", "low", "high", "lift", "lift_low", "lift_high",
            "probability", "log_evidence",
        )
    ),
    words("conclusion"),
    words("reference_id"),
    words("note"),
    Column("evaluated_at", Instant(), nullable=False),
    Column("config_hash", Words()),
    comment="What experiments said after each window, of all rows since their beginning.",
)  # fmt: skip
Index("experiment_result_start", experiment_result.c.window_start)
