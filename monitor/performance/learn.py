"""Sequential detectors step through what became known, window by window, under the model's lock."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from detectors import losses
from detectors.losses import LossSample
from detectors.outputs import Task
from detectors.performance import PerformanceReference
from detectors.result import Shift
from monitor.findings import Finding
from monitor.performance.signals import of_labels, streams
from monitor.performance.stepping import Rows, Signal, step
from monitor.plan import ModelPlan
from monitor.store.base import DetectorState, LearnedWindow
from monitor.windows import Span

_SCALES = {"loss": 1.0, "bias": 2.0}
"""How much of a signal's change is a share of rows: bias moves by half a unit when a row's error turns up."""


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
    sample: LossSample,
    states: Mapping[tuple[str, str], DetectorState],
    span: Span,
) -> Stepped:
    """Let every detector of the model step through one window of losses.

    ``states`` are the checkpoints by signal and detector.
    """
    stepped = [
        step(plan, signal, kind, streams(plan), states.get((signal.name, kind)), span)
        for signal in loss_signals(plan, sample)
        for kind in plan.settings.concept.detectors
    ]
    return Stepped(tuple(state for state, _ in stepped), tuple(finding for _, finding in stepped))


def loss_signals(plan: ModelPlan, sample: LossSample) -> Iterator[Signal]:
    """Give the signals of a window's losses, which are in the order of time; none without labels."""
    known = plan.reference.performance
    if known is None:
        return
    columns = {"loss": sample.loss, "bias": sample.bias}
    for name in of_labels(plan):
        mean, deviation = _moments(known, name)
        yield Signal(
            name=name,
            shift=Shift.CONCEPT,
            take=partial(_smallest, sample, columns[name]),
            mean=mean,
            standard_deviation=deviation,
            scale=_SCALES[name],
            details={"task": str(known.outputs.task)},
        )


def _smallest(sample: LossSample, column: NDArray[np.float32], at_most: int) -> Rows:
    """Give the rows with the smallest hashes: which ones does not depend on the order in which they came."""
    chosen = np.sort(np.argsort(sample.hashes)[:at_most])
    return column[chosen].astype(np.float64), sample.times_ms[chosen]


def _moments(known: PerformanceReference, signal: str) -> tuple[float, float]:
    """Mean and standard deviation of a signal in the reference."""
    if known.outputs.task is Task.REGRESSION:
        return 0.5, math.sqrt(1 / 12)  # uniform: losses of a regression are shares of the reference's rows
    confusion = known.labelled.confusion
    rows = max(1, int(confusion.sum()))
    wrong = 1 - float(np.trace(confusion[:-1, :-1])) / rows
    if signal == "loss":
        return wrong, math.sqrt(wrong * (1 - wrong))
    mean = 0.5 + float(confusion[:, 1].sum() - confusion[1, :].sum()) / rows / 2
    return mean, math.sqrt(max(0.0, wrong / 4 - (mean - 0.5) ** 2))
