"""What became of the loans: the labels of the demo's log, days after the predictions."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import pandas as pd

from monitor.demo.car_loan import ANALYSIS, LABELS, PARTITIONS

_LEAST_DAYS, _MOST_DAYS = 3.0, 14.0
_DAY_NS = 86_400 * 10**9


def labels(part: slice) -> Iterator[tuple[int, bytes]]:
    """Give the labels of these rows of the log, each with its prediction's partition, as they became known.

    The log does not say when that was: three days to two weeks after the prediction, drawn with a fixed seed.
    """
    rows = pd.read_parquet(ANALYSIS, columns=["id", "timestamp"]).merge(pd.read_parquet(LABELS), on="id")
    rows = rows[part].reset_index(drop=True)
    days = np.random.default_rng(0).uniform(_LEAST_DAYS, _MOST_DAYS, len(rows))
    known = pd.to_datetime(rows["timestamp"]) + pd.to_timedelta((days * _DAY_NS).astype(np.int64), unit="ns")
    rows = rows.assign(known=known.dt.strftime("%Y-%m-%dT%H:%M:%SZ"), number=range(len(rows)))
    for row in rows.sort_values("known").itertuples():
        value = {"id": row.id, "timestamp": row.known, "repaid": row.repaid}
        yield int(str(row.number)) % PARTITIONS, msgspec.json.encode(value)
