"""Closing windows: parts merged, judged and written, under the model's lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from alerts.model import Alert
from detectors.profile import Profile, decode, decode_parts, encode_parts
from detectors.quality import check
from detectors.reference import Reference
from monitor.accumulating import Accumulating
from monitor.alerting import AlertRound, has_told
from monitor.experiment.stepping import Experimenting
from monitor.findings import Finding, PerformanceFinding, QualityFinding
from monitor.gaps import expectations, freshness, replaced, silence
from monitor.judge import judge
from monitor.levels import level_over_lengths, rules_for, segment_rules_for
from monitor.mattering import weighed
from monitor.pairing import judge_pairs
from monitor.performance.estimate import estimates
from monitor.performance.settle import Settled
from monitor.performance.watching import Watching
from monitor.plan import ModelPlan
from monitor.segments import judge_segments, related
from monitor.store.base import Closed, ClosedWindow, ModelLock, OpenWindow
from monitor.windows import Span, spans_ending, watermark_ms

_PAGE = 64
"""Closed windows read from the database at once, when longer windows are put together."""


@dataclass(slots=True)
class ClosingReport:
    """What one visit under the lock did; every partition had passed ``passed_ms``, less the lateness."""

    model: str
    windows: int = 0
    seconds: float = 0.0
    until: datetime | None = None
    passed_ms: int | None = None
    standing: tuple[Alert, ...] = ()
    alerts: tuple[Alert, ...] = ()
    findings: list[Finding] = field(default_factory=list)
    quality: list[QualityFinding] = field(default_factory=list)
    performance: list[PerformanceFinding] = field(default_factory=list)
    published: int = 0
    revised: int = 0

    def add(self, settled: Settled) -> None:
        """Take in what labels settled in the same visit."""
        self.published, self.revised = settled.published, settled.revised
        self.findings.extend(settled.findings)
        self.quality.extend(settled.quality)
        self.performance.extend(settled.performance)
        if settled.alerting is not None:
            self.standing = settled.alerting.standing
            self.alerts = (*self.alerts, *settled.alerting.written)


def close_ended(
    lock: ModelLock,
    plan: ModelPlan,
    find: Callable[[str], Reference | None],
    now: datetime,
    at_most: int,
    *,
    everything: bool = False,
) -> ClosingReport:
    """Judge, oldest first, at most so many windows whose end every partition has passed.

    ``everything`` leaves no window open. ``find`` gives a reference by its id. Alerts are stepped once per
    window and written once.
    """
    clocks = [clock for clock in lock.clocks() if clock.partition.topic in plan.topics]
    mark = watermark_ms(clocks, now, plan.idle_after, plan.lateness_ms)
    report = ClosingReport(plan.name, passed_ms=mark)
    ended = [
        start
        for start in lock.open_starts()
        if everything or (mark is not None and start + plan.window_ms <= mark)
    ]
    quiet_since = freshness(plan, clocks, now)
    if not ended and quiet_since is None:
        return report
    alerting = AlertRound.of(lock, plan)
    if quiet_since is not None and alerting.is_news(quiet_since):
        lock.quality((quiet_since,), now, plan.config_hash)
        alerting.step((), (quiet_since,), quiet_since.start_ms, quiet_since.end_ms)
        report.quality.append(quiet_since)
    steppers = Watching(lock, plan), Accumulating(lock, plan)
    experimenting = Experimenting(lock, plan, now, lambda: alerting.standing)
    until_ms = lock.closed_until_ms()
    for start_ms in ended[:at_most]:
        is_cut = until_ms is None or mark is None or start_ms + plan.window_ms > mark
        closed, quiet = _close(
            lock, plan, find, steppers, experimenting, start_ms, until_ms, now, is_cut=is_cut
        )
        lock.quality(quiet, now, plan.config_hash)
        lock.close(closed)
        alerting.step(
            closed.findings,
            (*quiet, *closed.quality),
            start_ms,
            start_ms + plan.window_ms,
            closed.performance,
        )
        until_ms = start_ms + plan.window_ms
        report.windows += 1
        report.findings.extend(closed.findings)
        report.quality.extend((*quiet, *closed.quality))
        report.performance.extend(closed.performance)
    for stepper in (*steppers, experimenting):
        stepper.write()
    groups = lock.groups()
    told = frozenset(group.key for group in groups if has_told(lock.sent(group.key)))
    lock.write(alerting.changes(groups, told, now))
    report.alerts = alerting.written
    report.standing = alerting.standing
    report.until = None if until_ms is None else datetime.fromtimestamp(until_ms / 1000, UTC)
    return report


def _close(
    lock: ModelLock,
    plan: ModelPlan,
    find: Callable[[str], Reference | None],
    steppers: Iterable[Watching | Accumulating],
    experimenting: Experimenting,
    start_ms: int,
    until_ms: int | None,
    now: datetime,
    *,
    is_cut: bool,
) -> tuple[Closed, tuple[QualityFinding, ...]]:
    parts = lock.open_parts(start_ms)
    reference = _reference(parts, plan, find)
    span = Span(start_ms, start_ms + plan.window_ms, 1)
    version = plan.settings.version
    profile: Profile | None = None
    judged: tuple[_Judged, ...] = ()
    stepped: tuple[Finding, ...] = ()
    quality: tuple[QualityFinding, ...] = (replaced(plan, span),)
    if reference is not None:
        profile = merged(reference, parts)
        judged = tuple(_judged(lock, plan, reference, profile, span, until_ms))
        stepped = tuple(found for each in steppers for found in each.step(reference, profile, span))
        quality = (
            *_quality(plan, reference, profile, span, is_cut=is_cut),
            *experimenting.step(reference, profile, span),
        )
    window = ClosedWindow(
        model=plan.name,
        model_version=version,
        segment="",
        start_ms=start_ms,
        end_ms=span.end_ms,
        reference_id="" if reference is None else reference.id,
        rows=sum(part.rows for part in parts),
        late=lock.late_rows(start_ms),
        rejected=sum(part.rejected for part in parts),
        labelled=0,
        closed_at=now,
        counts={} if profile is None else encode_parts(profile),
        config_hash=plan.config_hash,
    )
    quiet = silence(plan, reference or plan.reference, until_ms, start_ms)
    found = (*(finding for each in judged for finding in each.findings), *stepped)
    findings = tuple(weighed(found, (reference or plan.reference).dictionary))
    performance = tuple(finding for each in judged for finding in each.performance)
    return Closed(window, findings, quality, now, performance), quiet


def _reference(
    parts: Iterable[OpenWindow], plan: ModelPlan, find: Callable[[str], Reference | None]
) -> Reference | None:
    """Give the one reference that all parts were counted on; None when it was replaced meanwhile."""
    ids = {part.reference_id for part in parts}
    if ids == {plan.reference.id}:
        return plan.reference
    return find(ids.pop()) if len(ids) == 1 and ids != {""} else None


def merged(reference: Reference, parts: Iterable[OpenWindow]) -> Profile:
    """Add the parts up; the order does not matter."""
    profile = Profile.empty(reference)
    for part in parts:
        profile = profile.merge(decode(part.profile, reference))
    return profile


@dataclass(frozen=True, slots=True)
class _Judged:
    """What one stretch of time says."""

    findings: tuple[Finding, ...]
    performance: tuple[PerformanceFinding, ...]


def _judged(
    lock: ModelLock,
    plan: ModelPlan,
    reference: Reference,
    profile: Profile,
    span: Span,
    until_ms: int | None,
) -> Iterator[_Judged]:
    """Judge the window, and the longer ones that have ended with it or in the silence before it."""
    yield _span(plan, reference, profile, span)
    before_ms = None if until_ms is None else until_ms - plan.window_ms
    total, reached_ms = profile, span.start_ms
    for longer in spans_ending(before_ms, span.start_ms, plan.multiples, plan.window_ms):
        ends_now = longer.end_ms == span.end_ms
        known, cursor_ms = (total, reached_ms) if ends_now else (Profile.empty(reference), longer.end_ms)
        history = _history(lock, reference, longer.start_ms, cursor_ms)
        if history is None:
            continue
        whole = known.merge(history)
        if ends_now:
            total, reached_ms = whole, longer.start_ms
        yield _span(plan, reference, whole, longer)


def _span(plan: ModelPlan, reference: Reference, profile: Profile, span: Span) -> _Judged:
    rules = rules_for(plan, span.multiple)
    shifts = judge(plan.name, plan.settings.version, reference, profile, span, rules)
    if reference.segments:
        shifts = _with_segments(plan, reference, profile, span, shifts)
    together = level_over_lengths(plan, span.multiple)
    pairs = judge_pairs(plan.name, plan.settings, reference, profile, span, together)
    performance, shares = estimates(plan, reference, profile, span)
    return _Judged((*shifts, *pairs, *shares), performance)


def _with_segments(
    plan: ModelPlan, reference: Reference, profile: Profile, span: Span, whole: tuple[Finding, ...]
) -> tuple[Finding, ...]:
    rules = segment_rules_for(plan, span.multiple)
    found = judge_segments(plan.name, plan.settings.version, reference, profile, span, rules)
    return tuple(related(whole, found, reference, profile, rules_for(plan, span.multiple)))


def _history(lock: ModelLock, reference: Reference, from_ms: int, until_ms: int) -> Profile | None:
    """Add up judged windows; None when some were counted on another reference, or are kept without counts."""
    total = Profile.empty(reference)
    while from_ms < until_ms:
        page = lock.closed_windows(from_ms, until_ms, _PAGE)
        for window in page:
            if window.reference_id != reference.id or not window.counts:
                return None
            total = total.merge(decode_parts(window.counts, reference))
        if len(page) < _PAGE:
            break
        from_ms = page[-1].end_ms
    return total


def _quality(
    plan: ModelPlan, reference: Reference, profile: Profile, span: Span, *, is_cut: bool
) -> tuple[QualityFinding, ...]:
    if not plan.settings.quality:
        return ()
    rules = rules_for(plan, 1)
    results = check(reference, profile, rules.level, rules.min_rows, expectations(plan, is_partial=is_cut))
    return tuple(
        QualityFinding(
            model=plan.name,
            model_version=plan.settings.version,
            segment="",
            start_ms=span.start_ms,
            end_ms=span.end_ms,
            feature=result.feature,
            check_name=result.check_name,
            dimension=result.dimension,
            expected=result.expected,
            observed=result.observed,
            failed_rows=result.failed_rows,
            total_rows=result.total_rows,
            p_value=result.p_value,
            verdict=result.verdict,
            reference_id=reference.id,
            note=result.note,
        )
        for result in results
    )
