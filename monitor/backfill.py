"""History that was counted elsewhere, on as many machines as it takes, judged as `driftd run` would have.

A cluster reads the rows, `counted` turns each of its tables into counts by window, `Counted.merge` adds up
what different machines have counted of a window, and `backfill` judges the windows in their order.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detectors.frames import columns_from_frame, plain_cells
from detectors.profile import Profile, encode, summarise
from detectors.reference import Reference
from monitor.clock import Clock
from monitor.compile import model_plan
from monitor.config import Config, ResolvedFields, digest
from monitor.decode.times import UNREADABLE, milliseconds
from monitor.engine import Engine
from monitor.errors import DataError
from monitor.lineage import register
from monitor.plan import ModelPlan
from monitor.rowmessages import table_columns
from monitor.source.base import TopicPartition
from monitor.source.memory import MemoryBroker, MemorySource
from monitor.store.base import Advance, OpenWindow, PartitionClock, Progress, Store

_WINDOWS_A_COMMIT = 32


@dataclass(frozen=True, slots=True)
class Counted:
    """What is known of the rows of one window, or of some of them: their counts, and the latest time."""

    start_ms: int
    max_ms: int
    profile: Profile

    def merge(self, other: Counted) -> Counted:
        """Add rows of the same window; the order does not matter."""
        return Counted(self.start_ms, max(self.max_ms, other.max_ms), self.profile.merge(other.profile))


def counted(
    frame: pd.DataFrame, fields: ResolvedFields, reference: Reference, window_ms: int
) -> Iterator[Counted]:
    """Count a table of predictions by windows, ascending; rows without a readable time are left out.

    Columns are found by their names, as in files for `driftd replay`. Columns that the
    dictionary does not have are not looked at. Raises DataError without a column of timestamps.
    """
    found = table_columns([str(name) for name in frame.columns], fields)
    if found.timestamp is None:
        raise DataError(f"none of the columns {', '.join(map(str, frame.columns))} is the timestamp")
    times_ms = _times(frame[found.timestamp], fields)
    columns = columns_from_frame(
        frame[list(found.named)].rename(columns=dict(found.named)), reference.dictionary
    )
    ids = None if found.id is None else frame[found.id].astype(str).to_numpy(dtype=object)
    starts = times_ms - times_ms % window_ms
    for start in np.unique(starts[times_ms != UNREADABLE]).tolist():
        rows = starts == start
        profile = summarise(
            reference,
            {name: column.take(rows) for name, column in columns.items()},
            None if ids is None else ids[rows],
            times_ms=times_ms[rows],
        )
        yield Counted(start, int(times_ms[rows].max()), profile)


def _times(stamps: pd.Series[Any], fields: ResolvedFields) -> NDArray[np.int64]:
    if pd.api.types.is_datetime64_any_dtype(stamps.dtype):
        return milliseconds([stamp.isoformat() for stamp in stamps], fields.timestamp_unit)
    return milliseconds(plain_cells(stamps), fields.timestamp_unit)


def backfill(
    config: Config,
    model: str,
    reference: Reference,
    windows: Iterable[Counted],
    store: Store,
    clock: Clock,
    name: str,
) -> int:
    """Judge whole windows, which come in the order of their times, and give how many were judged.

    Nobody is told of alerts. ``name`` names the history: what the store has of it is not judged again, so an
    interrupted call can be made again. Raises DataError when windows of their time were judged already.
    """
    at = TopicPartition(_topic(name), 0)
    settings = msgspec.structs.replace(config.models[model], topics=(at.topic,), labels_topics=())
    limit, config_hash = config.limits.max_message_bytes, digest(config)
    plan = model_plan(model, settings, config.alerts, reference, limit, config_hash=config_hash)
    register(store, config, [model], clock.now())
    engine = Engine(MemorySource(MemoryBroker(), ()), store, {model: plan}, clock, "earliest")
    known = store.cursors([at]).get(at)
    judged = 0
    for batch in batches(islice(windows, known or 0, None)):
        _refuse_judged(batch, store, model)
        upto = (known or 0) + len(batch)
        store.commit(progress(batch, plan, Advance(at, known, upto), clock.now()))
        known = upto
        judged += sum(report.windows for report in engine.close_windows())
    judged += sum(report.windows for report in engine.close_windows(everything=True))
    engine.flush_alerts()
    return judged


def _topic(name: str) -> str:
    """Name the pseudo-topic of a history; names that look alike when shortened stay different."""
    digest = hashlib.blake2b(name.encode(), digest_size=6).hexdigest()
    return f"backfill.{digest}.{re.sub(r'[^A-Za-z0-9._-]', '_', name)[:100]}"


def batches(windows: Iterator[Counted]) -> Iterator[list[Counted]]:
    """Give the windows in groups of which each is written in one transaction."""
    while batch := list(islice(windows, _WINDOWS_A_COMMIT)):
        yield batch


def _refuse_judged(batch: Sequence[Counted], store: Store, model: str) -> None:
    until_ms = store.closed_until().get(model)
    if until_ms is not None and batch[0].start_ms < until_ms:
        judged, first = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (until_ms, batch[0].start_ms))
        raise DataError(
            f"model {model} is judged up to {judged:%Y-%m-%d %H:%M} UTC, this history begins at "
            f"{first:%Y-%m-%d %H:%M}: history goes in before `driftd run` begins, or into another "
            "database.schema"
        )


def progress(batch: Sequence[Counted], plan: ModelPlan, advance: Advance, now: datetime) -> Progress:
    """Give what brings these windows into the database, open."""
    at = advance.partition
    clock = PartitionClock(plan.name, at, batch[-1].max_ms, now, caught_up=False)
    windows = tuple(
        OpenWindow(
            model=plan.name,
            segment="",
            start_ms=each.start_ms,
            end_ms=each.start_ms + plan.window_ms,
            partition=at,
            reference_id=plan.reference.id,
            rows=each.profile.rows,
            new_rows=each.profile.rows,
            rejected=0,
            profile=encode(each.profile),
        )
        for each in batch
    )
    return Progress(advances=(advance,), clocks=(clock,), windows=windows)
