"""Shares of windows: what the join gave since the last commit, added to what the database has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detectors import experiment_labels, labelled, losses
from detectors.experiment_labels import LabelledArms
from detectors.labelled import Labelled, summarise_labelled
from detectors.losses import LossSample, loss_sample
from detectors.performance import PerformanceReference
from detectors.reference import Reference
from monitor.join.arrivals import Met, Rows, Tally, all_rows
from monitor.plan import LabelPlan, ModelPlan
from monitor.source.base import TopicPartition
from monitor.store.base import JoinedWindow, LearnedWindow, Store

_NOTHING = Tally()
MIXED = ""
"""Reference id of a window during which the reference changed its meaning: its sums mean nothing."""


@dataclass(frozen=True, slots=True)
class Shares:
    """What is to be written with the cursors."""

    joined: tuple[JoinedWindow, ...] = ()
    learned: tuple[LearnedWindow, ...] = ()


def shares(
    plan: ModelPlan,
    met: Met,
    partition_of: Callable[[int], TopicPartition],
    store: Store,
    find: Callable[[str], Reference | None],
) -> Shares:
    """Add what was met to the stored shares of its windows; ``partition_of`` gives the partition of a number.

    May raise `StoreError`; nothing has changed then.
    """
    labels = plan.labels
    if labels is None:
        return Shares()
    rows = all_rows(met.rows) if met.rows else None
    joined: list[JoinedWindow] = []
    learned: list[LearnedWindow] = []
    meaning = _Meaning(plan, labels, find)
    for number in _numbers(met, rows):
        mine = None if rows is None else rows.take(rows.partitions == number)
        tallies = {start: tally for (of, start), tally in met.tallies.items() if of == number}
        partition = partition_of(number)
        joined += _joined(plan, meaning, partition, mine, tallies, store)
        learned += _learned(plan, meaning, partition, mine, store)
    return Shares(tuple(joined), tuple(learned))


def _numbers(met: Met, rows: Rows | None) -> list[int]:
    of_rows = [] if rows is None else np.unique(rows.partitions).tolist()
    return sorted({*of_rows, *(number for number, _ in met.tallies)})


@dataclass(frozen=True, slots=True)
class _Meaning:
    """By which reference a window's rows are summed up."""

    plan: ModelPlan
    labels: LabelPlan
    find: Callable[[str], Reference | None]

    def of(self, reference_id: str | None) -> tuple[str, PerformanceReference | None]:
        """Go on with the reference that a share began with, if its classes are still the same."""
        chosen = self.plan.reference if reference_id is None else self._known(reference_id)
        performance = None if chosen is None else chosen.performance
        if chosen is None or performance is None or performance.outputs != self.labels.outputs:
            return MIXED, None
        return chosen.id, performance

    def _known(self, reference_id: str) -> Reference | None:
        return self.plan.reference if reference_id == self.plan.reference.id else self.find(reference_id)


def _joined(
    plan: ModelPlan,
    meaning: _Meaning,
    partition: TopicPartition,
    rows: Rows | None,
    tallies: Mapping[int, Tally],
    store: Store,
) -> Iterator[JoinedWindow]:
    starts = np.empty(0, np.int64) if rows is None else rows.times_ms - rows.times_ms % plan.window_ms
    touched = sorted({*np.unique(starts).tolist(), *tallies})
    if not touched:
        return
    stored = {share.start_ms: share for share in store.joined_windows(plan.name, partition, touched)}
    for start in touched:
        share = stored.get(start)
        reference_id, performance = meaning.of(None if share is None else share.reference_id)
        tally = tallies.get(start, _NOTHING)
        before = share or JoinedWindow(
            plan.name, "", start, start + plan.window_ms, partition, reference_id, 0, 0, 0, 0, 0, 0, b""
        )
        after = replace(
            before,
            reference_id=reference_id,
            duplicates=before.duplicates + tally.duplicates,
            corrected=before.corrected + tally.corrected,
            too_late=before.too_late + tally.too_late,
            unmatched=before.unmatched + tally.unmatched,
        )
        if rows is not None:
            mine = rows.take(starts == start)
            after = _with_arms(_with_rows(after, performance, mine), plan, meaning.labels, mine)
        yield after


def _with_rows(share: JoinedWindow, performance: PerformanceReference | None, rows: Rows) -> JoinedWindow:
    if performance is None:
        count = int(rows.sign.sum())
        return replace(share, labelled=share.labelled + count, sums=b"")
    sums = labelled.decode(share.sums, performance) if share.sums else Labelled.empty(performance)
    for sign, add in ((1, sums.merge), (-1, None)):
        part = rows.take(rows.sign == sign)
        if not len(part):
            continue
        found = summarise_labelled(performance, part.outputs, part.labels, part.delays_ms)
        sums = add(found) if add is not None else sums.minus(found)
    return replace(share, labelled=sums.rows, unusable=sums.unusable, sums=labelled.encode(sums))


def _with_arms(share: JoinedWindow, plan: ModelPlan, labels: LabelPlan, rows: Rows) -> JoinedWindow:
    """Add what the rows say of an experiment's variants."""
    experiment = plan.reference.experiment
    if experiment is None:
        return share
    arms = experiment_labels.decode(share.arms, experiment.signature)
    for sign in (1, -1):
        part = rows.take((rows.sign == sign) & (rows.variants > 0))
        if len(part):
            found = LabelledArms.of(
                labels.outputs,
                part.outputs,
                part.labels,
                part.variants,
                part.metric,
                len(experiment.variants),
            )
            arms = (arms or found.plus(found, -1)).plus(found, sign)
    return (
        share if arms is None else replace(share, arms=experiment_labels.encode(experiment.signature, arms))
    )


def _learned(
    plan: ModelPlan, meaning: _Meaning, partition: TopicPartition, rows: Rows | None, store: Store
) -> Iterator[LearnedWindow]:
    """Give the losses that became known, by the window in which they did."""
    if rows is None or not rows.is_fed.any():
        return
    fed = rows.take(rows.is_fed)
    starts: NDArray[np.int64] = fed.known_ms - fed.known_ms % plan.window_ms
    touched = np.unique(starts).tolist()
    stored = {share.start_ms: share for share in store.learned_windows(plan.name, partition, touched)}
    for start in touched:
        share = stored.get(start)
        reference_id, performance = meaning.of(None if share is None else share.reference_id)
        sums = b""
        if performance is not None:
            part = fed.take(starts == start)
            found = loss_sample(performance, part.outputs, part.first_labels, part.times_ms, part.hashes)
            before = LossSample.empty() if share is None or not share.sums else losses.decode(share.sums)
            sums = losses.encode(before.merge(found))
        yield LearnedWindow(plan.name, "", start, start + plan.window_ms, partition, reference_id, sums)
