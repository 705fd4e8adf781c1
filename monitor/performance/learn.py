"""Sequential detectors step through what became known, window by window, under the model's lock."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import concept, losses
from detectors.concept import Change, StateLost
from detectors.losses import LossSample
from detectors.outputs import Task
from detectors.performance import PerformanceReference
from detectors.result import Shift, TestResult, Verdict
from monitor.findings import Finding
from monitor.levels import false_alarms_per_row
from monitor.plan import ModelPlan
from monitor.store.base import DetectorState, LearnedWindow
from monitor.windows import Span

VERSION = 1
_SIGNS = {"loss": 1.0, "bias": 2.0}
"""How much of a signal's change is a share of rows: bias moves by half a unit when a row's error turns up."""


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    """A checkpoint: the detector's own state, and what is remembered of its last change.

    ``before`` is the mean before the change that is not over yet (None: there is none); ``rows`` and
    ``total`` are those since it began.
    """

    version: int
    detector: bytes
    before: float | None
    changed_at_ms: int
    rows: int
    total: float
    found_after: int = 0


@dataclass(frozen=True, slots=True)
class _Signal:
    name: str
    values: NDArray[np.float64]
    times_ms: NDArray[np.int64]
    mean: float
    standard_deviation: float


@dataclass(frozen=True, slots=True)
class Stepped:
    """Checkpoints to be written, and what was found."""

    states: tuple[DetectorState, ...]
    findings: tuple[Finding, ...]


def sample_of(parts: Iterable[LearnedWindow]) -> LossSample:
    """Put the partitions' losses together, in the order of their predictions' time."""
    sample = LossSample.empty()
    for part in parts:
        if part.sums:
            sample = sample.merge(losses.decode(part.sums))
    return sample.in_time_order()


def step_through(
    plan: ModelPlan,
    known: PerformanceReference,
    sample: LossSample,
    states: Mapping[tuple[str, str], DetectorState],
    span: Span,
) -> Stepped:
    """Let every detector of the model step through one window; ``states`` are by signal and detector."""
    settings = plan.settings.concept
    after: list[DetectorState] = []
    findings: list[Finding] = []
    signals = tuple(_signals(known, sample, settings.signals))
    rate = false_alarms_per_row(plan, _rows_expected(plan), max(1, len(settings.detectors) * len(signals)))
    for signal in signals:
        for kind in settings.detectors:
            state, finding = _step(plan, kind, signal, states.get((signal.name, kind)), rate, span)
            after.append(state)
            findings.append(finding)
    return Stepped(tuple(after), tuple(findings))


def _signals(known: PerformanceReference, sample: LossSample, wanted: Iterable[str]) -> Iterator[_Signal]:
    columns = {"loss": sample.loss, "bias": sample.bias}
    if known.outputs.task is Task.MULTICLASS:
        del columns["bias"]  # an error among several classes has no sign
    for name, values in columns.items():
        if name in wanted:
            mean, deviation = _moments(known, name)
            yield _Signal(name, values.astype(np.float64), sample.times_ms, mean, deviation)


def _moments(known: PerformanceReference, signal: str) -> tuple[float, float]:
    """Mean and standard deviation of a signal in the reference."""
    if not known.outputs.classes:
        return 0.5, math.sqrt(1 / 12)  # uniform: losses of a regression are shares of the reference's rows
    confusion = known.labelled.confusion
    rows = max(1, int(confusion.sum()))
    wrong = 1 - float(np.trace(confusion[:-1, :-1])) / rows
    if signal == "loss":
        return wrong, math.sqrt(wrong * (1 - wrong))
    mean = 0.5 + float(confusion[:, 1].sum() - confusion[1, :].sum()) / rows / 2
    return mean, math.sqrt(max(0.0, wrong / 4 - (mean - 0.5) ** 2))


def _rows_expected(plan: ModelPlan) -> float:
    """Rows that a window brings at most, as far as the reference knows."""
    usual = plan.reference.rows_per_window
    most = float(losses.MAX_KEPT)
    return most if usual is None else min(most, usual.mean)


def _step(
    plan: ModelPlan, kind: str, signal: _Signal, stored: DetectorState | None, rate: float, span: Span
) -> tuple[DetectorState, Finding]:
    settings = concept.settings_for(kind, rate, signal.mean, signal.standard_deviation)
    state, memory, lost = _loaded(settings, stored)
    state, changes = concept.step(state, settings, signal.values, signal.times_ms)
    memory = _remember(memory, changes, signal)
    scale = _SIGNS[signal.name]
    finding = _finding(plan, kind, signal, memory, changes, span, scale, lost)
    if finding.verdict is Verdict.OK:
        memory = replace_memory(memory)
    before = stored or DetectorState(plan.name, "", signal.name, kind, span.start_ms, 0, 0, b"")
    after = replace(
        before,
        until_ms=span.end_ms,
        rows=before.rows + len(signal.values),
        dropped=state.dropped,
        state=msgspec.msgpack.encode(
            _Stored(
                VERSION,
                concept.encode(state),
                memory.before,
                memory.changed_at_ms,
                memory.rows,
                memory.total,
                memory.found_after,
            )
        ),
    )
    return after, finding


def _loaded(
    settings: concept.Settings, stored: DetectorState | None
) -> tuple[concept.State | None, _Stored, str]:
    """Read a checkpoint; one that cannot be read is told of, and the detector begins anew."""
    nothing = _Stored(VERSION, b"", None, 0, 0, 0.0)
    if stored is None:
        return None, nothing, ""
    try:
        memory = msgspec.msgpack.decode(stored.state, type=_Stored)
        return concept.decode(memory.detector, settings), memory, ""
    except (StateLost, msgspec.DecodeError) as error:
        return None, nothing, str(error)


def replace_memory(memory: _Stored) -> _Stored:
    """Forget a change that is over."""
    return msgspec.structs.replace(memory, before=None, rows=0, total=0.0)


def _remember(memory: _Stored, changes: tuple[Change, ...], signal: _Signal) -> _Stored:
    """Follow the mean since the last change; the first of several says what it was before."""
    if changes:
        last = changes[-1]
        before = changes[0].before if memory.before is None else memory.before
        since = signal.times_ms > last.detected_at_ms
        rows, total = last.rows_since, last.after * last.rows_since
        memory = _Stored(VERSION, b"", before, last.changed_at_ms, rows, total, last.rows_since)
    else:
        since = np.full(len(signal.values), memory.before is not None)
    values = signal.values[since & np.isfinite(signal.values)]
    return msgspec.structs.replace(
        memory, rows=memory.rows + len(values), total=memory.total + float(values.sum())
    )


def _finding(
    plan: ModelPlan,
    kind: str,
    signal: _Signal,
    memory: _Stored,
    changes: tuple[Change, ...],
    span: Span,
    scale: float,
    lost: str,
) -> Finding:
    """A change stands until the mean is back where it was; one too small to matter only warns."""
    verdict, details, effect = Verdict.OK, {}, None
    if memory.before is not None and memory.rows:
        after = memory.total / memory.rows
        effect = min(1.0, abs(after - memory.before) * scale)
        if effect >= plan.settings.min_effect:
            verdict = Verdict.DRIFT
            task = plan.labels.outputs.task if plan.labels is not None else ""
            details = _details(kind, signal.name, memory, after) | {"task": str(task)}
        elif changes:
            verdict = Verdict.WARN
    if lost:
        verdict = Verdict.ERROR
    mean = float(signal.values.mean()) if len(signal.values) else 0.0
    return Finding(
        model=plan.name,
        model_version=plan.settings.version,
        segment="",
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        multiple=1,
        shift=Shift.CONCEPT,
        detector=kind,
        feature=signal.name,
        result=TestResult(mean, None, effect, None, None, 0, len(signal.values), 0.0, lost),
        adjusted_p=None,
        threshold=None,
        verdict=verdict,
        reference_id=plan.reference.id,
        details=details,
    )


def _details(kind: str, signal: str, memory: _Stored, after: float) -> dict[str, Any]:
    before = memory.before or 0.0
    direction = "other" if signal != "loss" else "worse" if after > before else "better"
    return {
        "kind": "change_point",
        "signal": signal,
        "detector": kind,
        "changed_at_ms": memory.changed_at_ms,
        "before": before,
        "after": after,
        "rows_since": memory.found_after,
        "direction": direction,
    }
