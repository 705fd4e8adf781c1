"""Requests and responses that still wait where an input ends: their other halves will not come. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from monitor.decode.halves import Half, Waiting
from monitor.decode.outcome import SAMPLE_BYTES
from monitor.decode.payload import Reason
from monitor.intake import PartitionState, State
from monitor.opened import Open
from monitor.plan import ModelPlan
from monitor.source.base import TopicPartition
from monitor.store.base import Reject


def parted(state: State, plans: Mapping[str, ModelPlan], now: datetime) -> State:
    """Give the state with every half that waits set aside, counted where event time stands."""
    rejects = tuple(_rejects(state, now))
    partitions = {tp: _without_halves(part, plans) for tp, part in state.partitions.items()}
    return replace(state, partitions=partitions, rejects=(*state.rejects, *rejects))


def _rejects(state: State, now: datetime) -> Iterator[Reject]:
    for tp, part in state.partitions.items():
        for model, waiting in part.waiting.items():
            yield from (_reject(tp, model, half, now) for half in waiting.halves.values())


def _reject(tp: TopicPartition, model: str, half: Half, now: datetime) -> Reject:
    detail = f"no {half.other_side} of {half.call[:100]!r} came before the end"
    sample = (half.record.value or b"")[:SAMPLE_BYTES]
    return Reject(tp, half.offset, model, Reason.UNPAIRED, detail, sample, now)


def _without_halves(part: PartitionState, plans: Mapping[str, ModelPlan]) -> PartitionState:
    windows = dict(part.open)
    for model, waiting in part.waiting.items():
        plan, count = plans.get(model), len(waiting.halves)
        if plan is not None and count:
            time_ms = part.event_ms[model]
            key = model, time_ms - time_ms % plan.window_ms
            windows[key] = (windows.get(key) or Open.empty(plan.reference)).with_rejects(count)
    stored = {model: Waiting(stored=waiting.stored) for model, waiting in part.waiting.items()}
    return replace(part, open=windows, waiting=stored)
