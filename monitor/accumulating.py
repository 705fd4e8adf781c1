"""E-detectors add up what windows say of each feature, under the model's lock."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import msgspec

from detectors.dictionary import INPUTS, Role
from detectors.e_detector import Evidence, Level, State, StateLost, decode, encode, step
from detectors.profile import Profile
from detectors.reference import Reference
from detectors.result import Shift, TestResult, Verdict
from detectors.scores import Scores, scores_of
from detectors.seasonal_scores import SeasonalScores, seasonal_scores_of
from monitor.findings import Finding
from monitor.judge import details as details_of
from monitor.levels import evidence_level
from monitor.plan import ModelPlan
from monitor.store.base import DetectorState, ModelLock
from monitor.windows import Span

KIND = "e_detector"


class Accumulating:
    """One visit's steps, in the order of the windows; nothing is read or written unless it is asked for."""

    def __init__(self, lock: ModelLock, plan: ModelPlan) -> None:
        self._lock, self._plan = lock, plan
        self._scores: Mapping[str, Scores | SeasonalScores] = {}
        self._states: dict[str, DetectorState] = {}
        self._stepped: dict[str, DetectorState] = {}
        if KIND in plan.settings.detectors.sequential:
            self._scores = dict(_scored(plan))
            self._states = {one.signal: one for one in lock.detector_states() if one.detector == KIND}

    def step(self, reference: Reference, profile: Profile, span: Span) -> tuple[Finding, ...]:
        """Add a window, unless it was counted on another reference than the model has now."""
        if reference.id != self._plan.reference.id:
            return ()
        expected = self._plan.reference.in_season(profile)
        return tuple(self._one(name, expected, profile, span) for name in self._scores)

    def _one(self, name: str, expected: Reference, profile: Profile, span: Span) -> Finding:
        plan, counts, known = self._plan, profile.counts[name], self._scores[name]
        scores = known.base if isinstance(known, SeasonalScores) else known
        threshold = math.log(len(self._scores) / evidence_level(plan))
        stored = self._stepped.get(name) or self._states.get(name)
        state, lost = _loaded(stored, plan.reference, name, scores)
        window = _level(known, expected, name, profile)
        state, evidence = step(state, scores, window, span.start_ms, threshold)
        before = stored or DetectorState(plan.name, "", name, KIND, span.start_ms, 0, 0, b"")
        self._stepped[name] = replace(
            before,
            until_ms=span.end_ms,
            rows=before.rows + counts.n,
            state=msgspec.msgpack.encode((_judged_by(plan.reference), encode(state))),
        )
        return _finding(plan, expected, name, profile, span, state, evidence, threshold, lost)

    def write(self) -> None:
        """Write the checkpoints of all steps."""
        if self._stepped:
            self._lock.write_detector_states(tuple(self._stepped.values()))


def _level(scores: Scores | SeasonalScores, expected: Reference, name: str, profile: Profile) -> Level:
    """What the window's rows are worth; nothing if they should be seen in hours that are unknown."""
    counts, design_effect = profile.counts[name], expected.by_season().lasting_effect(name)
    if isinstance(scores, Scores):
        return Level(counts.n / design_effect, scores.sums(counts) / design_effect)
    if profile.season_rows is None:
        return Level.empty(scores.base.width)
    return scores.level(expected.profile.counts[name], counts, design_effect)


def _judged_by(reference: Reference) -> str:
    """What a state goes with: scores in a season are other scores."""
    return reference.id if reference.season is None else f"{reference.id} by {reference.season.hours}"


def _scored(plan: ModelPlan) -> Iterator[tuple[str, Scores | SeasonalScores]]:
    """Give the scores of every feature and output that has two values; labels come later."""
    reference = plan.reference
    left_out = {Role.LABEL} if plan.settings.detectors.multivariate else {Role.LABEL, Role.DERIVED}
    for name in reference.grids:
        if reference.dictionary.features[name].role not in left_out:
            counts = reference.profile.counts[name]
            scores = scores_of(counts) if reference.season is None else seasonal_scores_of(counts)
            if scores is not None:
                yield name, scores


def _loaded(
    stored: DetectorState | None, reference: Reference, name: str, scores: Scores
) -> tuple[State, str]:
    """Read a checkpoint; one that cannot be gone on from is told of, and the detector begins anew."""
    rows = reference.profile.counts[name].n / reference.by_season().lasting_effect(name)
    fresh = State.begin(rows, scores.width)
    if stored is None:
        return fresh, ""
    try:
        known, data = msgspec.msgpack.decode(stored.state, type=tuple[str, bytes])
        if known != _judged_by(reference):
            return fresh, f"begins anew: its state was of reference {known}"
        return decode(data, scores.width), ""
    except (StateLost, msgspec.DecodeError) as error:
        return fresh, f"begins anew: {error}"


def _finding(
    plan: ModelPlan,
    expected: Reference,
    name: str,
    profile: Profile,
    span: Span,
    state: State,
    evidence: Evidence,
    threshold: float,
    lost: str,
) -> Finding:
    """What one window says of one feature."""
    reference = plan.reference
    is_feature = reference.dictionary.features[name].role in INPUTS
    rows, least = profile.counts[name].n, plan.settings.min_rows
    note = lost or (f"{rows} rows, min_rows is {least}" if rows < least else "")
    result = result_of(state, evidence, rows, note)
    verdict, details = verdict_of(result, evidence, plan.settings.min_effect), {}
    if verdict is Verdict.OK and rows < least:
        verdict = Verdict.INCONCLUSIVE
    if verdict is Verdict.DRIFT:
        details = details_of(name, expected, profile) | {
            "share_moved": evidence.moved,
            "changed_at_ms": evidence.since_ms,
        }
    return Finding(
        model=plan.name,
        model_version=plan.settings.version,
        segment="",
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        multiple=1,
        shift=Shift.COVARIATE if is_feature else Shift.PRIOR,
        detector=KIND,
        feature=name,
        result=result,
        adjusted_p=None,
        threshold=threshold,
        verdict=Verdict.ERROR if lost else verdict,
        reference_id=reference.id,
        details=details,
    )


def result_of(state: State, evidence: Evidence, rows: int, note: str) -> TestResult:
    """Give the evidence; the effect and its interval are of all rows since the change."""
    statistic = evidence.log_e if math.isfinite(evidence.log_e) else 0.0
    if evidence.since_ms is None:
        return TestResult(statistic, None, None, None, None, round(state.normal.rows), rows, 0.0, note)
    return TestResult(
        statistic=statistic,
        p_value=None,
        effect=evidence.moved,
        effect_low=evidence.low,
        effect_high=evidence.high,
        n_reference=round(state.normal.rows),
        n_current=rows,
        note=note,
    )


def verdict_of(result: TestResult, evidence: Evidence, min_effect: float) -> Verdict:
    """Say drift while a change stands that is clear and surely matters; else warn at its alarms."""
    if evidence.is_clear and result.effect_low is not None and result.effect_low >= min_effect:
        return Verdict.DRIFT
    return Verdict.WARN if evidence.is_alarm else Verdict.OK
