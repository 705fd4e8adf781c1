"""The log that the benchmarks read: about 600 bytes a message, 20 numeric and 5 categorical features."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import pandas as pd

START_MS = 1_767_225_600_000  # 2026-01-01 UTC
ROW_MS = 120  # 300,000 rows are ten hours
NUMERIC = tuple(f"feature_{i:02d}" for i in range(20))
CATEGORICAL = tuple(f"colour_{i}" for i in range(5))
COLOURS = ("red", "green", "blue", "black", "white")


def frame(rows: int, seed: int) -> pd.DataFrame:
    """Rows as a training file would hold them."""
    rng = np.random.default_rng(seed)
    columns: dict[str, object] = {name: rng.normal(10.0, 3.0, rows).round(6) for name in NUMERIC}
    for name in CATEGORICAL:
        columns[name] = rng.choice(np.array(COLOURS), rows, p=(0.4, 0.3, 0.15, 0.1, 0.05))
    columns["prediction"] = rng.integers(0, 2, rows)
    columns["score"] = rng.random(rows).round(6)
    columns["timestamp"] = START_MS + np.arange(rows) * ROW_MS
    columns["id"] = [f"request-{seed}-{i:09d}" for i in range(rows)]
    return pd.DataFrame(columns)


def messages(rows: int, seed: int) -> Iterator[bytes]:
    """The same rows as messages of the preset "nested"."""
    encode = msgspec.json.Encoder().encode
    features = (*NUMERIC, *CATEGORICAL)
    for row in frame(rows, seed).to_dict("records"):
        message = {name: row[name] for name in ("id", "timestamp", "prediction", "score")}
        message["features"] = {name: row[name] for name in features}
        yield encode(message)
