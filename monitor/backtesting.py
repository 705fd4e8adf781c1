"""Stored history judged again by other settings: which alarms would have been raised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from detectors.profile import decode_parts
from detectors.reference import Reference
from monitor.backfill import Counted, batches, progress
from monitor.clock import Clock
from monitor.closing import close_ended
from monitor.compile import model_plan
from monitor.config import Config
from monitor.errors import DataError
from monitor.plan import ModelPlan
from monitor.source.base import TopicPartition
from monitor.store.base import Advance, Store

AT = TopicPartition("backtest", 0)
SHIFTS = frozenset({"covariate", "prior", "quality"})
"""What stored counts can say again; what labels said is not kept row by row."""
_PAGE = 64
_WINDOWS_A_LOCK = 16

Row = dict[str, Any]


@dataclass(slots=True)
class Backtested:
    """How many windows were judged again, how many could not be, and the alarms of these windows.

    ``alarms`` and ``stored`` are rows of ``alert_history``: those that would have fired, and those that did.
    """

    windows: int = 0
    left_out: int = 0
    alarms: tuple[Row, ...] = ()
    stored: tuple[Row, ...] = ()


def backtest(
    config: Config,
    model: str,
    reference: Reference,
    history: Store,
    scratch: Store,
    from_ms: int,
    until_ms: int,
    clock: Clock,
) -> Backtested:
    """Judge a model's stored windows again, into ``scratch``, by the settings of ``config``.

    Windows that were counted on another reference, or whose counts are not kept any more, are left out.
    Raises DataError when no window is left, or when windows have another length now.
    """
    plan = _plan(config, model, reference)
    done = Backtested()
    scratch.register_models([model], clock.now())
    known: int | None = None
    for batch in batches(_usable(history, plan, from_ms, until_ms, done)):
        upto = (known or 0) + len(batch)
        scratch.commit(progress(batch, plan, Advance(AT, known, upto), clock.now()))
        known = upto
        _judge(scratch, plan, clock)
    if not done.windows:
        raise DataError(
            f"model {model} has no judged window there with counts on reference {reference.id} "
            f"({done.left_out:,} others); driftd history --kind windows shows which windows there are"
        )
    _judge(scratch, plan, clock, everything=True)
    since, until = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (from_ms, until_ms))
    done.alarms = _fired(scratch, model, since, until)
    done.stored = _fired(history, model, since, until)
    return done


def _plan(config: Config, model: str, reference: Reference) -> ModelPlan:
    """Compile the settings for counts without labels; the budget is shared out as it is with them."""
    settings = config.models[model]
    plan = model_plan(model, settings, config.alerts, reference, config.limits.max_message_bytes)
    return replace(plan, settings=msgspec.structs.replace(settings, topics=(AT.topic,), labels_topics=()))


def _usable(
    history: Store, plan: ModelPlan, from_ms: int, until_ms: int, done: Backtested
) -> Iterator[Counted]:
    """Give the windows that can be judged again, in order, and count them and the others in ``done``."""
    while page := history.closed_windows(plan.name, from_ms, until_ms, _PAGE):
        for window in page:
            length_ms = window.end_ms - window.start_ms
            if length_ms != plan.window_ms:
                raise DataError(
                    f"stored windows of model {plan.name} are {length_ms // 1000} s long, window is "
                    f"{plan.window_ms // 1000} s now: stored counts cannot be cut anew"
                )
            if window.reference_id != plan.reference.id or not window.counts:
                done.left_out += 1
                continue
            done.windows += 1
            profile = decode_parts(window.counts, plan.reference)
            yield Counted(window.start_ms, window.end_ms - 1, profile)
        from_ms = page[-1].start_ms + 1


def _judge(scratch: Store, plan: ModelPlan, clock: Clock, *, everything: bool = False) -> None:
    """Judge what has ended."""

    def find(reference_id: str) -> Reference | None:
        return plan.reference if reference_id == plan.reference.id else None

    windows = _WINDOWS_A_LOCK
    while windows == _WINDOWS_A_LOCK:
        with scratch.lock(plan.name) as lock:
            if lock is None:  # nobody else has a database in memory
                return
            windows = close_ended(
                lock, plan, find, clock.now(), _WINDOWS_A_LOCK, everything=everything
            ).windows


def _fired(store: Store, model: str, since: datetime, until: datetime) -> tuple[Row, ...]:
    """Give the alarms that counts can tell of, oldest first."""
    rows = store.view("alert_history", model=model, since=since, until=until, newest_first=False)
    return tuple(row for row in rows if row["fired_at"] is not None and row["shift"] in SHIFTS)
