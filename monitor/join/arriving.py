"""From decoded rows to what comes to the join. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Column, Presence
from detectors.experiment_sums import Codes
from detectors.identifiers import hash_ids
from detectors.outputs import label_values, output_rows
from monitor.decode.decoder import Batch
from monitor.decode.times import UNKNOWN_TIME
from monitor.join.arrivals import Labels, Predictions
from monitor.join.entry import UNKNOWN_MS
from monitor.plan import LabelPlan, ModelPlan
from monitor.windows import NEVER_MS, Placed, place


def predictions_of(plan: ModelPlan, labels: LabelPlan, batch: Batch, placed: Placed) -> Iterable[Predictions]:
    """Give the rows that can be joined: those with an id."""
    if batch.ids is None:
        return
    has_id = batch.ids != None  # noqa: E711  # element by element
    if not has_id.all():
        batch, placed = batch.take(has_id), placed.take(has_id)
    ends = placed.starts_ms + (plan.window_ms + plan.lateness_ms)
    yield Predictions(
        plan.name,
        batch.partition,
        hash_ids(_ids(batch)),
        batch.times_ms,
        ends <= placed.max_before_ms,  # whether its window has been judged says nothing about its label
        output_rows(labels.outputs, batch.columns),
        batch.columns if plan.settings.challenger is not None else None,
        _variants(plan, batch),
    )


def _variants(plan: ModelPlan, batch: Batch) -> Codes | None:
    experiment = plan.reference.experiment
    return None if experiment is None or batch.variants is None else experiment.codes_of(batch.variants)


def own_labels(
    plan: ModelPlan, labels: LabelPlan, batch: Batch, max_ms: int, now_ms: int
) -> Iterable[Labels]:
    """Labels that came in the predictions' own topic, with them or later."""
    if batch.labels is None or batch.ids is None:
        return
    batch = batch.take((batch.ids != None) & _is_there(batch.labels))  # noqa: E711  # element by element
    if len(batch):
        yield labels_of(plan, labels, batch, max_ms, now_ms)[0]


def _is_there(column: Column) -> NDArray[np.bool_]:
    if column.presence is None:
        return np.ones(len(column), np.bool_)
    is_there: NDArray[np.bool_] = column.presence == Presence.PRESENT
    return is_there


def labels_of(
    plan: ModelPlan, labels: LabelPlan, batch: Batch, max_ms: int, now_ms: int
) -> tuple[Labels, int]:
    """One chunk's labels, and their partition's event time after them."""
    column = Column(np.empty(0, np.object_)) if batch.labels is None else batch.labels
    has_time = batch.times_ms != UNKNOWN_TIME
    times_ms = np.where(has_time, batch.times_ms, NEVER_MS)  # which moves no clock
    placed = place(times_ms, max_ms, plan.window_ms, plan.lateness_ms, NEVER_MS)
    reached_ms = np.where(placed.max_before_ms == NEVER_MS, now_ms, placed.max_before_ms)
    arrived = Labels(
        model=plan.name,
        partition=batch.partition,
        hashes=hash_ids(_ids(batch)),
        times_ms=np.where(has_time, batch.times_ms, UNKNOWN_MS),
        seen_ms=np.where(has_time, batch.times_ms, reached_ms),
        is_late=placed.late & has_time,
        values=label_values(labels.outputs, column),
        metric=batch.metric,
    )
    return arrived, placed.max_ms


def _ids(batch: Batch) -> NDArray[np.object_]:
    return np.empty(0, np.object_) if batch.ids is None else batch.ids
