"""Sequential detectors step through one window of a signal. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import concept
from detectors.concept import Change, StateLost
from detectors.losses import MAX_KEPT
from detectors.result import Shift, TestResult, Verdict
from monitor.findings import Finding
from monitor.levels import false_alarms_per_row
from monitor.plan import ModelPlan
from monitor.store.base import DetectorState
from monitor.windows import Span

VERSION = 1
_LEAST_ROWS = 256
"""Rows a window that are paid for at least: training files are often samples of what was logged."""
_ROOM = 2.0
"""How many times the reference's mean rows a window may bring: hours of the day differ."""

Rows = tuple[NDArray[np.float64], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Signal:
    """Values from 0 to 1 of one window's rows, and what a change of their mean would say.

    ``take`` gives at most so many rows: values and times, in order. ``mean`` and ``standard_deviation`` are
    the reference's, ``scale`` makes a difference of means a share of rows, ``dropped`` rows had no value,
    and a change is told to ``precision_ms``.
    """

    name: str
    shift: Shift
    take: Callable[[int], Rows]
    mean: float
    standard_deviation: float
    scale: float = 1.0
    dropped: int = 0
    precision_ms: int = 1
    details: Mapping[str, Any] = field(default_factory=dict)


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    """A checkpoint: the detector's own state, and what is remembered of its last change.

    ``before`` is the mean before the change that is not over yet (None: there is none); ``rows`` and
    ``total`` are those since it began. ``saved`` rows were paid for and have not come.
    """

    version: int
    detector: bytes
    before: float | None
    changed_at_ms: int
    rows: int
    total: float
    found_after: int = 0
    saved: int = 0


_NOTHING = _Stored(VERSION, b"", None, 0, 0, 0.0)


def rows_paid_for(plan: ModelPlan) -> int:
    """How many rows a window the alert budget is shared over: more are never stepped through."""
    usual = plan.reference.rows_per_window
    if usual is None:
        return MAX_KEPT
    mean = usual.mean * plan.window_ms / usual.window_ms
    return min(MAX_KEPT, max(_LEAST_ROWS, math.ceil(_ROOM * mean)))


def step(
    plan: ModelPlan, signal: Signal, kind: str, streams: int, stored: DetectorState | None, span: Span
) -> tuple[DetectorState, Finding]:
    """Let a detector step from its stored checkpoint through a window; give the next one.

    ``streams`` is how many detectors times signals there are.

    Each window pays for `rows_paid_for` rows, those without rows too. What is not used is saved for labels
    that come all at once, up to `MAX_KEPT`. So however many rows come, no more are stepped through in any
    time than the rate of false alarms was made for.
    """
    paid = rows_paid_for(plan)
    rate = false_alarms_per_row(plan, paid, streams)
    settings = concept.settings_for(kind, rate, signal.mean, signal.standard_deviation)
    before = stored or DetectorState(plan.name, "", signal.name, kind, span.start_ms, 0, 0, b"")
    state, memory, lost = _loaded(settings, stored)
    windows = max(1, (span.end_ms - before.until_ms) // plan.window_ms)
    at_most = min(MAX_KEPT, memory.saved + windows * paid)
    values, times_ms = signal.take(at_most)
    state, changes = concept.step(state, settings, values, times_ms)
    memory = _remember(memory, changes, values, times_ms)
    finding = _finding(plan, signal, kind, memory, changes, values, span, lost)
    if finding.verdict is Verdict.OK:
        memory = msgspec.structs.replace(memory, before=None, rows=0, total=0.0)  # a change is over
    memory = msgspec.structs.replace(memory, detector=concept.encode(state), saved=at_most - len(values))
    after = replace(
        before,
        until_ms=span.end_ms,
        rows=before.rows + len(values),
        dropped=before.dropped + signal.dropped + int(np.count_nonzero(~np.isfinite(values))),
        state=msgspec.msgpack.encode(memory),
    )
    return after, finding


def _loaded(
    settings: concept.Settings, stored: DetectorState | None
) -> tuple[concept.State | None, _Stored, str]:
    """Read a checkpoint; one that cannot be read is told of, and the detector begins anew."""
    if stored is None:
        return None, _NOTHING, ""
    try:
        memory = msgspec.msgpack.decode(stored.state, type=_Stored)
        return concept.decode(memory.detector, settings), memory, ""
    except (StateLost, msgspec.DecodeError) as error:
        return None, _NOTHING, str(error)


def _remember(
    memory: _Stored, changes: tuple[Change, ...], values: NDArray[np.float64], times_ms: NDArray[np.int64]
) -> _Stored:
    """Follow the mean since the last change; the first of several says what it was before."""
    since = np.full(len(values), memory.before is not None)
    if changes:
        last = changes[-1]
        since = times_ms > last.detected_at_ms
        memory = msgspec.structs.replace(
            memory,
            before=changes[0].before if memory.before is None else memory.before,
            changed_at_ms=last.changed_at_ms,
            rows=last.rows_since,
            total=last.after * last.rows_since,
            found_after=last.rows_since,
        )
    values = values[since & np.isfinite(values)]
    return msgspec.structs.replace(
        memory, rows=memory.rows + len(values), total=memory.total + float(values.sum())
    )


def _finding(
    plan: ModelPlan,
    signal: Signal,
    kind: str,
    memory: _Stored,
    changes: tuple[Change, ...],
    values: NDArray[np.float64],
    span: Span,
    lost: str,
) -> Finding:
    """A change stands until the mean is back where it was; one too small to matter only warns."""
    verdict, details, effect = Verdict.OK, {}, None
    if memory.before is not None and memory.rows:
        after = memory.total / memory.rows
        effect = min(1.0, abs(after - memory.before) * signal.scale)
        if effect >= plan.settings.min_effect:
            verdict, details = Verdict.DRIFT, _details(signal, kind, memory, after)
        elif changes:
            verdict = Verdict.WARN
    if lost:
        verdict = Verdict.ERROR
    mean = float(values.mean()) if len(values) else 0.0
    return Finding(
        model=plan.name,
        model_version=plan.settings.version,
        segment="",
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        multiple=1,
        shift=signal.shift,
        detector=kind,
        feature=signal.name,
        result=TestResult(mean, None, effect, None, None, 0, len(values), 0.0, lost),
        adjusted_p=None,
        threshold=None,
        verdict=verdict,
        reference_id=plan.reference.id,
        details=details,
    )


def _details(signal: Signal, kind: str, memory: _Stored, after: float) -> dict[str, Any]:
    before = memory.before or 0.0
    direction = "other" if signal.name != "loss" else "worse" if after > before else "better"
    return {
        "kind": "change_point",
        "signal": signal.name,
        "detector": kind,
        "changed_at_ms": memory.changed_at_ms - memory.changed_at_ms % signal.precision_ms,
        "before": before,
        "after": after,
        "rows_since": memory.found_after,
        "direction": direction,
        **signal.details,
    }
