"""Taking messages in: chunks become counts in open windows. Pure: state in, state out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Columns
from detectors.experiment_sums import Arms
from detectors.profile import summarise
from detectors.sample import Sample
from monitor.decode.decoder import Batch
from monitor.decode.halves import Waiting
from monitor.decode.outcome import SAMPLE_BYTES
from monitor.decode.payload import Reason
from monitor.join.arrivals import Labels, Predictions
from monitor.join.arriving import labels_of, own_labels, predictions_of
from monitor.opened import Open, WindowKey
from monitor.plan import ModelPlan
from monitor.readers import Before, Decoded
from monitor.source.base import Chunk, TopicPartition
from monitor.store.base import (
    Gap,
    Reject,
)
from monitor.windows import NEVER_MS, Placed, place


@dataclass(frozen=True, slots=True)
class PartitionState:
    """How far one partition has been read and what has been counted there.

    ``committed`` is the cursor in the database (None: none yet), ``next`` the offset after the last record.
    ``waiting`` are, by model, requests and responses that wait for each other.
    """

    committed: int | None
    next: int
    active_at: datetime
    log_end: int | None = None
    event_ms: Mapping[str, int] = field(default_factory=dict)
    open: Mapping[WindowKey, Open] = field(default_factory=dict)
    waiting: Mapping[str, Waiting] = field(default_factory=dict)

    @property
    def before(self) -> Before:
        """What the messages so far have left to those that come."""
        return Before(self.waiting, self.event_ms)


@dataclass(frozen=True, slots=True)
class State:
    """Everything that the next commit writes."""

    partitions: Mapping[TopicPartition, PartitionState] = field(default_factory=dict)
    closed_until: Mapping[str, int] = field(default_factory=dict)
    late: Mapping[WindowKey, int] = field(default_factory=dict)
    rejects: tuple[Reject, ...] = ()
    gaps: tuple[Gap, ...] = ()
    tombstones: Mapping[str, int] = field(default_factory=dict)
    filtered: Mapping[str, int] = field(default_factory=dict)
    rows: int = 0
    labels: int = 0
    arrivals: tuple[Predictions | Labels, ...] = ()


def take_in(state: State, decoded: Decoded, now: datetime) -> State:
    """Count the rows of a chunk, and note the predictions and labels that are to be joined."""
    chunk, batches = decoded.chunk, decoded.batches
    now_ms = int(now.timestamp() * 1000)
    partition = state.partitions[chunk.partition]
    partition = replace(partition, next=chunk.records[-1].offset + 1, active_at=now)
    late = dict(state.late)
    arrivals: list[Predictions | Labels] = []
    rows = 0
    for plan, batch in batches:
        counted = batch if batch.label_only is None else batch.take(~batch.label_only)
        before_ms = partition.event_ms.get(plan.name, NEVER_MS)
        partition, placed = _count(
            partition, plan, counted, state.closed_until.get(plan.name, NEVER_MS), late
        )
        rows += len(counted)
        if plan.labels is not None:
            arrivals += predictions_of(plan, plan.labels, counted, placed)
            arrivals += own_labels(plan, plan.labels, batch, before_ms, now_ms)
    for plan, reading, batch in decoded.labels:
        before_ms = partition.event_ms.get(plan.name, NEVER_MS)
        arrived, max_ms = labels_of(plan, reading, batch, before_ms, now_ms)
        arrivals.append(arrived)
        partition = replace(partition, event_ms={**partition.event_ms, plan.name: max_ms})
    read = [*batches, *((plan, batch) for plan, _, batch in decoded.labels)]
    rejects = [reject for _, batch in read for reject in batch.rejects]
    return replace(
        state,
        partitions={**state.partitions, chunk.partition: partition},
        late=late,
        rejects=(*state.rejects, *rejects, *_unclaimed(chunk, read, now)),
        tombstones=_with_tombstones(state.tombstones, read),
        filtered=_with_filtered(state.filtered, read),
        rows=state.rows + rows,
        labels=state.labels + sum(len(each.values) for each in arrivals if isinstance(each, Labels)),
        arrivals=(*state.arrivals, *(each for each in arrivals if len(each.hashes))),
    )


def _with_tombstones(
    counted: Mapping[str, int], batches: Sequence[tuple[ModelPlan, Batch]]
) -> Mapping[str, int]:
    if not batches or not batches[0][1].tombstones:
        return counted
    batch = batches[0][1]
    topic = batch.partition.topic
    return {**counted, topic: counted.get(topic, 0) + batch.tombstones}


def _with_filtered(
    counted: Mapping[str, int], batches: Sequence[tuple[ModelPlan, Batch]]
) -> Mapping[str, int]:
    """Add the messages that each model's conditions pass over."""
    found = dict(counted)
    for plan, batch in batches:
        if batch.filtered:
            found[plan.name] = found.get(plan.name, 0) + batch.filtered
    return found


def _count(
    partition: PartitionState, plan: ModelPlan, batch: Batch, closed_until_ms: int, late: dict[WindowKey, int]
) -> tuple[PartitionState, Placed]:
    """Add one model's rows to the partition's open windows; late ones to ``late``."""
    max_ms = partition.event_ms.get(plan.name, NEVER_MS)
    placed = place(
        batch.times_ms, max_ms, plan.window_ms, plan.lateness_ms, closed_until_ms, batch.reached_ms
    )
    windows = dict(partition.open)
    if placed.late.any():
        starts, counts = np.unique(placed.starts_ms[placed.late], return_counts=True)
        for start, count in zip(starts.tolist(), counts.tolist(), strict=True):
            late[plan.name, start] = late.get((plan.name, start), 0) + count
    in_time = ~placed.late
    for start in np.unique(placed.starts_ms[in_time]).tolist():
        rows = in_time & (placed.starts_ms == start)
        key = plan.name, start
        windows[key] = _add(windows.get(key), plan, batch, rows)
    for start in _windows_of_rejects(batch, placed.max_before_ms, placed.max_ms, plan.window_ms):
        key = plan.name, start
        windows[key] = (windows.get(key) or Open.empty(plan.reference)).with_rejects()
    event_ms = {**partition.event_ms, plan.name: placed.max_ms}
    waiting = partition.waiting
    if batch.paired is not None:
        waiting = {**waiting, plan.name: batch.paired.waiting}
    return replace(partition, open=windows, event_ms=event_ms, waiting=waiting), placed


def _add(opened: Open | None, plan: ModelPlan, batch: Batch, rows: NDArray[np.bool_]) -> Open:
    n = int(np.count_nonzero(rows))
    whole = n == len(batch)
    columns = batch.columns if whole else {name: column.take(rows) for name, column in batch.columns.items()}
    ids = batch.ids if whole or batch.ids is None else batch.ids[rows]
    times_ms = batch.times_ms if whole else batch.times_ms[rows]
    part = summarise(plan.reference, columns, ids, _sample(batch, rows), times_ms)
    part = replace(part, arms=_arms(plan, batch, columns, rows))
    if opened is None:
        return Open.of(plan.reference.id, part, n)
    return opened.with_rows(plan.reference.id, part, n)


def _arms(plan: ModelPlan, batch: Batch, columns: Columns, rows: NDArray[np.bool_]) -> Arms | None:
    """Sum the rows up by their variants, if the model has an experiment."""
    experiment = plan.reference.experiment
    if experiment is None or batch.variants is None:
        return None
    comes_later = batch.metric is None or plan.settings.metric_comes_with_labels
    metric = None if comes_later or batch.metric is None else batch.metric[rows]
    return experiment.summarise(columns, batch.variants[rows], metric)


def _sample(batch: Batch, rows: NDArray[np.bool_]) -> Sample:
    chosen = [row for row in batch.sampled if rows[row.index]]
    extra: dict[str, int] = {}
    for row in chosen:
        for key in row.extra:
            extra[key] = extra.get(key, 0) + 1
    return Sample.of(len(chosen), extra, sum(row.odd_width for row in chosen))


def _windows_of_rejects(
    batch: Batch, max_before_ms: NDArray[np.int64], max_ms: int, window_ms: int
) -> Iterable[int]:
    """A reject has no time of its own: it belongs where event time stood in its partition."""
    if batch.paired is not None:
        times_ms = [batch.paired.rejected_at_ms[reject.offset] for reject in batch.rejects]
        yield from (time_ms - time_ms % window_ms for time_ms in times_ms if time_ms > NEVER_MS)
        return
    positions = np.searchsorted(batch.offsets, [reject.offset for reject in batch.rejects])
    for position in positions.tolist():
        time_ms = int(max_before_ms[position]) if position < len(batch) else max_ms
        if time_ms > NEVER_MS:
            yield time_ms - time_ms % window_ms


def _unclaimed(chunk: Chunk, batches: Sequence[tuple[ModelPlan, Batch]], now: datetime) -> Iterable[Reject]:
    """Messages that name a model which nobody here monitors."""
    if not batches or not all(plan.shares_topics for plan, _ in batches):
        return
    offsets = set.intersection(*(set(batch.others_at) for _, batch in batches))
    for record in chunk.records if offsets else ():
        if record.offset in offsets:
            sample = (record.value or b"")[:SAMPLE_BYTES]
            detail = "the message names a model that is not in the configuration"
            yield Reject(chunk.partition, record.offset, "", Reason.UNKNOWN_MODEL, detail, sample, now)


def shifted(state: State, by: timedelta) -> State:
    """Give the state as it is after the clock was set: as much time has passed as before."""
    partitions = {tp: replace(part, active_at=part.active_at + by) for tp, part in state.partitions.items()}
    return replace(state, partitions=partitions)


def with_log_ends(state: State, ends: Mapping[TopicPartition, int]) -> State:
    """Give the state with what was last heard of how far the logs go."""
    partitions = {
        tp: replace(part, log_end=ends.get(tp, part.log_end)) for tp, part in state.partitions.items()
    }
    return replace(state, partitions=partitions)


def with_gap(state: State, gap: Gap) -> State:
    """Go on after offsets that the broker no longer holds, and note which they are."""
    after = replace(state.partitions[gap.partition], next=gap.next_available)
    partitions = {**state.partitions, gap.partition: after}
    return replace(state, partitions=partitions, gaps=(*state.gaps, gap))
