"""What labels settle: windows are published, detectors step on, under the model's lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from detectors import labelled
from detectors.counts import Counts
from detectors.labelled import Labelled
from detectors.profile import decode_parts
from detectors.reference import Reference
from monitor.alerting import AlertRound, has_told
from monitor.experiment.stepping import Labelling
from monitor.findings import Finding, PerformanceFinding, QualityFinding
from monitor.join.shares import MIXED
from monitor.performance.advice import advice_of
from monitor.performance.learn import sample_of, step_through
from monitor.performance.realise import Realised, realise
from monitor.plan import LabelPlan, ModelPlan
from monitor.store.base import DetectorState, JoinedWindow, ModelLock, WindowFacts
from monitor.windows import Span, span_at, spans_ending, watermark_ms

_REVISED = 64
"""Published windows that are looked at again in one visit, because labels came for them."""


@dataclass(slots=True)
class Settled:
    """What one visit found."""

    published: int = 0
    revised: int = 0
    stepped: int = 0
    alerting: AlertRound | None = None
    findings: list[Finding] = field(default_factory=list)
    performance: list[PerformanceFinding] = field(default_factory=list)
    quality: list[QualityFinding] = field(default_factory=list)


def settle(
    lock: ModelLock,
    plan: ModelPlan,
    find: Callable[[str], Reference | None],
    now: datetime,
    at_most: int,
    *,
    everything: bool = False,
) -> Settled:
    """Publish, oldest first, at most so many windows; revise published ones; step the detectors on.

    ``everything`` waits for no more labels.
    """
    settled = Settled()
    labels = plan.labels
    if labels is None:
        return settled
    visit = _Visit(lock, plan, labels, find, now, everything=everything)
    alerting = AlertRound.of(lock, plan, advice_of(lock.latest_challenger(_ADVICE_WINDOWS)))
    visit.publish(alerting, settled, at_most)
    visit.revise(settled)
    visit.learn(alerting, settled, at_most)
    groups = lock.groups()
    told = frozenset(group.key for group in groups if has_told(lock.sent(group.key)))
    lock.write(alerting.changes(groups, told, now))
    settled.alerting = alerting
    return settled


_ADVICE_WINDOWS = 48


class _Visit:
    """One model's labels, looked at once."""

    def __init__(
        self,
        lock: ModelLock,
        plan: ModelPlan,
        labels: LabelPlan,
        find: Callable[[str], Reference | None],
        now: datetime,
        *,
        everything: bool,
    ) -> None:
        self._lock = lock
        self._plan = plan
        self._labels = labels
        self._find = find
        self._now = now
        self._everything = everything
        clocks = [clock for clock in lock.clocks() if clock.partition.topic in plan.all_topics]
        self._experiment = Labelling(lock, plan, now)
        self._mark_ms = watermark_ms(clocks, now, plan.idle_after, plan.lateness_ms)

    def _has_passed(self, time_ms: int) -> bool:
        return self._everything or (self._mark_ms is not None and time_ms <= self._mark_ms)

    # -- publishing -------------------------------------------------------------------------------------

    def publish(self, alerting: AlertRound, settled: Settled, at_most: int) -> None:
        """Publish windows in order, as long as enough labels are there or were waited for."""
        closed_ms = self._lock.closed_until_ms()
        if closed_ms is None:
            return
        until_ms = self._lock.published_until_ms()
        for facts in self._lock.window_facts(_from(until_ms), closed_ms, at_most):
            is_over = self._has_passed(facts.end_ms + self._labels.wait_ms)
            if not is_over and facts.labelled < self._labels.share * facts.rows:
                return
            found = self._publish(facts, until_ms)
            alerting.step(
                found.findings, found.quality, facts.start_ms, facts.end_ms, performance=found.performance
            )
            settled.published += 1
            settled.findings.extend(found.findings)
            settled.performance.extend(found.performance)
            settled.quality.extend(found.quality)
            until_ms = facts.end_ms
            self._lock.publish_until(until_ms)

    def _publish(self, facts: WindowFacts, until_ms: int | None) -> Realised:
        parts = self._lock.joined_parts(facts.start_ms)
        span = Span(facts.start_ms, facts.end_ms, 1)
        found = self._judged(span, facts.rows, parts)
        self._experiment.take(span, parts)
        self._experiment.judge(span)
        before_ms = None if until_ms is None else until_ms - self._plan.window_ms
        longer = spans_ending(before_ms, facts.start_ms, self._plan.multiples, self._plan.window_ms)
        more = [self._longer(span) for span in longer]
        self._lock.joined_done(facts.start_ms)
        self._lock.labelled(facts.start_ms, facts.labelled)
        whole = Realised(
            (*found.performance, *(each for part in more for each in part.performance)),
            (*found.findings, *(each for part in more for each in part.findings)),
            found.quality,
        )
        self._write(whole)
        return whole

    def _longer(self, span: Span) -> Realised:
        """Judge a longer window by the sum of its parts."""
        facts = self._lock.window_facts(span.start_ms, span.end_ms, span.multiple)
        parts = [part for each in facts for part in self._lock.joined_parts(each.start_ms)]
        return self._judged(span, sum(each.rows for each in facts), parts)

    def _judged(self, span: Span, rows: int, parts: Iterable[JoinedWindow]) -> Realised:
        reference, sums = self._sums(parts)
        if reference is None or sums is None:
            return Realised()
        return realise(self._plan, reference, sums, rows, span, self._counts(reference, span))

    def _counts(self, reference: Reference, span: Span) -> Mapping[str, Counts] | None:
        """The features' counts of a window, from which a regression's expected errors follow."""
        known = reference.performance
        if known is None or known.outputs.classes or span.multiple > 1:
            return None
        for window in self._lock.closed_windows(span.start_ms, span.end_ms, 1):
            if window.counts and window.reference_id == reference.id:
                return decode_parts(window.counts, reference).counts
        return None

    def _sums(self, parts: Iterable[JoinedWindow]) -> tuple[Reference | None, Labelled | None]:
        """Add up the partitions' sums; None when they were summed by different references."""
        with_rows = [part for part in parts if part.sums or part.reference_id == MIXED]
        ids = {part.reference_id for part in with_rows} or {self._plan.reference.id}
        if len(ids) > 1 or MIXED in ids:
            return None, None
        wanted = ids.pop()
        reference = self._plan.reference if wanted == self._plan.reference.id else self._find(wanted)
        if reference is None or reference.performance is None:
            return None, None
        sums = Labelled.empty(reference.performance)
        for part in with_rows:
            sums = sums.merge(labelled.decode(part.sums, reference.performance))
        return reference, sums

    def _write(self, found: Realised) -> None:
        config_hash = self._plan.config_hash
        self._lock.performance(found.performance, self._now, config_hash)
        self._lock.findings(found.findings, self._now, config_hash)
        self._lock.quality(found.quality, self._now, config_hash)

    def revise(self, settled: Settled) -> None:
        """Judge published windows again for which labels have come since; their alerts are past."""
        until_ms = self._lock.published_until_ms()
        if until_ms is None:
            return
        longer: set[Span] = set()
        is_told_anew = False
        for start_ms in self._lock.joined_changed(until_ms, _REVISED):
            span = span_at(start_ms, 1, self._plan.window_ms)
            facts = self._lock.window_facts(span.start_ms, span.end_ms, 1)
            if facts:
                parts = self._lock.joined_parts(start_ms)
                self._write(self._judged(span, facts[0].rows, parts))
                is_told_anew |= self._experiment.take(span, parts)
                self._lock.labelled(start_ms, facts[0].labelled)
                settled.revised += 1
            self._lock.joined_done(start_ms)
            spans = (span_at(start_ms, multiple, self._plan.window_ms) for multiple in self._plan.multiples)
            longer |= {each for each in spans if each.multiple > 1 and each.end_ms <= until_ms}
        for span in sorted(longer):
            self._write(self._longer(span))
        if is_told_anew:
            self._experiment.judge(Span(until_ms - self._plan.window_ms, until_ms, 1))

    # -- sequential detectors ---------------------------------------------------------------------------

    def learn(self, alerting: AlertRound, settled: Settled, at_most: int) -> None:
        """Step through the windows of losses that became known and are complete."""
        window_ms = self._plan.window_ms
        ended = [start for start in self._lock.learned_starts() if self._has_passed(start + window_ms)]
        if not ended:
            return
        states = {(state.signal, state.detector): state for state in self._lock.detector_states()}
        after: dict[tuple[str, str], DetectorState] = {}
        for start_ms in ended[:at_most]:
            span = Span(start_ms, start_ms + window_ms, 1)
            sample = sample_of(self._lock.learned_parts(start_ms))
            stepped = step_through(self._plan, sample, states | after, span)
            after |= {(state.signal, state.detector): state for state in stepped.states}
            self._lock.findings(stepped.findings, self._now, self._plan.config_hash)
            alerting.step(stepped.findings, (), span.start_ms, span.end_ms)
            settled.findings.extend(stepped.findings)
            settled.stepped += 1
        self._lock.write_detector_states(tuple(after.values()))
        self._lock.close_learned(tuple(ended[:at_most]), ended[:at_most][-1] + window_ms)


def _from(until_ms: int | None) -> int:
    return -(2**62) if until_ms is None else until_ms
