"""Experiments go on window by window as these are judged, and label by label, under the model's lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from alerts.model import Alert
from detectors.experiment import Experiment
from detectors.experiment_evidence import evidence, highest
from detectors.experiment_labels import HIGHER_IS_BETTER, LabelledArms, decode
from detectors.experiment_sums import Arms
from detectors.moments import Moments
from detectors.profile import Profile
from detectors.reference import Reference
from monitor.experiment.checks import checks, over
from monitor.experiment.results import Judging, judging
from monitor.experiment.state import Known, stored
from monitor.findings import ExperimentResult, QualityFinding
from monitor.plan import ModelPlan
from monitor.store.base import ExperimentSum, JoinedWindow, ModelLock
from monitor.windows import Span

ROWS, PERFORMANCE, METRIC = "rows", "performance", "metric"


class Experimenting:
    """One visit's windows, in order; nothing is read or written for a model without an experiment.

    ``standing`` gives the alerts that are open: those about an experiment end with it.
    """

    def __init__(
        self, lock: ModelLock, plan: ModelPlan, now: datetime, standing: Callable[[], Iterable[Alert]]
    ) -> None:
        self._lock, self._plan, self._now, self._standing = lock, plan, now, standing
        self._judging = judging(plan)
        self._known = None if self._judging is None else stored(lock, self._judging.experiment)
        self._stepped: Known | None = None

    def step(self, reference: Reference, profile: Profile, span: Span) -> tuple[QualityFinding, ...]:
        """Add a window, unless it was counted on another reference or for another experiment."""
        to, arms = self._judging, profile.arms
        if to is None:
            return tuple(over(self._plan, self._standing(), (), span))
        if arms is None or reference.id != self._plan.reference.id:
            return ()
        before = self._known or Known.begin(to.experiment, reference.id, span.start_ms)
        known = _with(before.on(to.experiment, reference.id), to.experiment, arms, span)
        if known is None:
            return ()
        self._known = self._stepped = known
        self._lock.experiment_sums(tuple(_sums(to, arms, span)))
        results = list(to.inputs(known, span))
        if self._plan.settings.metric_comes_with_predictions:
            results += _metric(self._lock, to, known, span)
        self._lock.experiment_results(tuple(results), self._now, self._plan.config_hash)
        if not self._plan.settings.quality:
            return ()
        found = tuple(checks(to, known, span))
        return (*found, *over(self._plan, self._standing(), found, span))

    def write(self) -> None:
        """Write the checkpoint of all steps."""
        if self._stepped is not None:
            self._lock.write_detector_states((self._stepped.encoded(self._plan.name),))


def _with(known: Known, experiment: Experiment, arms: Arms, span: Span) -> Known | None:
    whole = known.arms.merge(arms)
    if whole is None:
        return None
    reached = highest(known.evidence, evidence(experiment, whole))
    return replace(known, arms=whole, evidence=reached, until_ms=span.end_ms)


def _sums(to: Judging, arms: Arms, span: Span) -> Iterable[ExperimentSum]:
    """What a window's predictions say of each variant."""
    for at, variant in enumerate(to.experiment.variants):
        n = int(arms.rows[at])
        yield _sum(to, span, ROWS, ROWS, variant, Moments.known(n, n, n))
        if to.plan.settings.metric_comes_with_predictions:
            yield _sum(to, span, METRIC, to.settings.metric, variant, arms.metric[at])


def _sum(to: Judging, span: Span, kind: str, measure: str, variant: str, of: Moments) -> ExperimentSum:
    return ExperimentSum(
        model=to.plan.name,
        experiment=to.experiment.name,
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        kind=kind,
        measure=measure,
        variant=variant,
        n=of.n,
        total=of.sum,
        squares=of.sum_of_squares,
    )


def _metric(lock: ModelLock, to: Judging, known: Known, span: Span) -> Iterable[ExperimentResult]:
    totals = lock.experiment_totals(to.experiment.name, known.since_ms, span.end_ms)
    arms = _arms(to, totals, METRIC, to.settings.metric)
    return to.measures(known, span, METRIC, to.settings.metric, arms, higher=to.settings.higher_is_better)


def _arms(to: Judging, totals: Iterable[ExperimentSum], kind: str, measure: str) -> tuple[Moments, ...]:
    found = {one.variant: one for one in totals if (one.kind, one.measure) == (kind, measure)}
    return tuple(
        Moments.known(found[name].n, found[name].total, found[name].squares) if name in found else Moments()
        for name in to.experiment.variants
    )


class Labelling:
    """What labels say of an experiment's variants, as windows are published and revised."""

    def __init__(self, lock: ModelLock, plan: ModelPlan, now: datetime) -> None:
        self._lock, self._plan, self._now = lock, plan, now
        self._judging = judging(plan)
        self._known = None if self._judging is None else stored(lock, self._judging.experiment)

    def take(self, span: Span, parts: Iterable[JoinedWindow]) -> bool:
        """Note the sums of a window's labels; whether there are any."""
        to = self._judging
        if to is None or self._known is None or span.start_ms < self._known.since_ms:
            return False
        whole: LabelledArms | None = None
        for part in parts:
            arms = decode(part.arms, to.experiment.signature)
            if arms is not None:
                whole = arms if whole is None else whole.plus(arms, 1)
        if whole is None:
            return False
        self._lock.experiment_sums(tuple(_labelled_sums(to, whole, span)))
        return True

    def judge(self, span: Span) -> None:
        """Compare the variants by all windows up to this one."""
        to, known = self._judging, self._known
        if to is None or known is None or span.start_ms < known.since_ms:
            return
        totals = self._lock.experiment_totals(to.experiment.name, known.since_ms, span.end_ms)
        wanted = sorted({(one.kind, one.measure) for one in totals if one.kind != ROWS})
        results: list[ExperimentResult] = []
        for kind, measure in wanted:
            higher = to.settings.higher_is_better if kind == METRIC else HIGHER_IS_BETTER[measure]
            arms = _arms(to, totals, kind, measure)
            results += to.measures(known, span, kind, measure, arms, higher=higher)
        self._lock.experiment_results(tuple(results), self._now, self._plan.config_hash)


def _labelled_sums(to: Judging, of: LabelledArms, span: Span) -> Iterable[ExperimentSum]:
    measures = [(PERFORMANCE, name, arms) for name, arms in of.performance.items()]
    if to.plan.settings.metric_comes_with_labels:
        measures.append((METRIC, to.settings.metric, of.metric))
    for kind, measure, arms in measures:
        for variant, one in zip(to.experiment.variants, arms, strict=True):
            yield _sum(to, span, kind, measure, variant, one)
