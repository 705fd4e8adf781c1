"""What a closed window's counts say about drift. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from detectors.budget import holm
from detectors.catalogue import AnyDetector, detector
from detectors.counts import Counts
from detectors.covariate import moved
from detectors.dictionary import INPUTS, Kind, Role
from detectors.profile import Profile
from detectors.reconstruction import NAME as RECONSTRUCTION
from detectors.reconstruction import off
from detectors.reference import Reference
from detectors.result import Shift, TestResult, Verdict
from monitor.config.model import Detectors
from monitor.findings import Finding
from monitor.windows import Span

WARN_LEVELS = 10
"""A p-value up to this many times the level is worth a "warn", which tells nobody but stays in history."""


_TELLING = frozenset({Verdict.DRIFT, Verdict.WARN})
"""Verdicts whose findings say what moved where; the others have nothing to tell."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How one window is judged: ``level`` is its share of the alert budget, ``windows`` how many it is of."""

    level: float
    min_effect: float
    min_rows: int
    detectors: Detectors
    windows: int = 1


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that are compared with the reference's: all of the log's, or those of a segment."""

    segment: str
    reference: Reference
    current: Profile


@dataclass(frozen=True, slots=True)
class _Tested:
    part: Part
    feature: str
    shift: Shift
    detector: AnyDetector
    result: TestResult
    failed: bool = False


def judge(
    model: str, model_version: str, reference: Reference, current: Profile, span: Span, rules: Rules
) -> tuple[Finding, ...]:
    """Test every feature of the window against the reference, corrected over the window (Holm).

    With a season, against what the reference looks like in the hours that the window's rows are of.

    Drift is an adjusted p-value within the level *and* an effect that surely is ``min_effect`` (see
    `verdict_of`); a p-value alone never says drift. A test that crashes is an ``error`` and hinders no other.
    """
    part = Part("", reference.in_season(current), current)
    return judge_parts(model, model_version, (part,), span, rules)


def judge_parts(
    model: str, model_version: str, parts: Iterable[Part], span: Span, rules: Rules
) -> tuple[Finding, ...]:
    """Judge several parts of the window as one family of tests: Holm's correction is over all of them."""
    tested = tuple(test for part in parts for test in _tests(part, rules))
    adjusted = holm([test.result.p_value for test in tested])
    verdicts = [_verdict(test, p, rules) for test, p in zip(tested, adjusted, strict=True)]
    return tuple(
        Finding(
            model=model,
            model_version=model_version,
            segment=test.part.segment,
            start_ms=span.start_ms,
            end_ms=span.end_ms,
            multiple=span.multiple,
            shift=test.shift,
            detector=test.detector.kind,
            feature=test.feature,
            result=test.result,
            adjusted_p=adjusted_p,
            threshold=_threshold(test, rules),
            verdict=verdict,
            reference_id=test.part.reference.id,
            details=_details(test) if verdict in _TELLING else {},
        )
        for test, adjusted_p, verdict in zip(tested, adjusted, verdicts, strict=True)
    )


def _tests(part: Part, rules: Rules) -> Iterable[_Tested]:
    reference = part.reference
    for name in reference.grids:
        feature = reference.dictionary.features[name]
        if feature.role is Role.LABEL:
            continue  # labels come later and are joined first
        if feature.role is Role.DERIVED and not rules.detectors.multivariate:
            continue
        shift = Shift.COVARIATE if feature.role in INPUTS else Shift.PRIOR
        for chosen in _chosen(feature.kind, rules.detectors):
            yield _test(part, name, shift, chosen, rules)


def _chosen(kind: Kind, settings: Detectors) -> Iterable[AnyDetector]:
    if kind is Kind.NUMERIC:
        names: tuple[str, ...] = (*settings.numeric, *settings.distances)
    elif kind in (Kind.CATEGORICAL, Kind.BOOLEAN):
        names = (*settings.categorical, *(name for name in settings.distances if name != "wasserstein"))
    else:
        return ()
    thresholds = {str(kind): limit for kind, limit in settings.thresholds.items()}
    return tuple(detector(name, thresholds.get(name)) for name in names)


def _details(test: _Tested) -> dict[str, Any]:
    return details(test.feature, test.part.reference, test.part.current)


def details(name: str, reference: Reference, current: Profile) -> dict[str, Any]:
    """Say how a feature moved; of the reconstruction error also in which features it did."""
    found = moved(reference.profile.counts[name], current.counts[name], reference.grids[name])
    if reference.reconstruction is None or name != RECONSTRUCTION:
        return found
    return found | off(reference.reconstruction, reference.profile.residuals, current.residuals)


def _test(part: Part, name: str, shift: Shift, chosen: AnyDetector, rules: Rules) -> _Tested:
    reference, current = part.reference, part.current
    try:
        grid = reference.grids[name]
        before, now = reference.profile.counts[name], current.counts[name]
        result = chosen.compare(before, now, grid, reference.effect_of(name, rules.windows))
    except Exception as error:  # noqa: BLE001  # one broken feature must not silence the others
        note = f"{type(error).__name__}: {error}"[:500]
        result = TestResult(
            0.0, None, None, None, None, _rows(reference.profile.counts.get(name)), 0, 0.0, note
        )
        return _Tested(part, name, shift, chosen, result, failed=True)
    if lacks := _lacks_rows(part, result, rules):
        result = replace(result, p_value=None, note=lacks)
    return _Tested(part, name, shift, chosen, result)


def _lacks_rows(part: Part, result: TestResult, rules: Rules) -> str:
    """Say that there are too few rows; nothing when there are enough."""
    if result.n_current < rules.min_rows:
        return f"{result.n_current} rows, min_rows is {rules.min_rows}"
    is_part = bool(part.segment) or part.reference.season is not None
    if is_part and result.n_reference < rules.min_rows:
        return f"{result.n_reference} rows in the reference, min_rows is {rules.min_rows}"
    return ""


def _rows(counts: Counts | None) -> int:
    return 0 if counts is None else counts.n


def _threshold(test: _Tested, rules: Rules) -> float | None:
    return test.detector.threshold if test.detector.is_distance else rules.level


def _verdict(test: _Tested, adjusted_p: float | None, rules: Rules) -> Verdict:
    if test.failed:
        return Verdict.ERROR
    if _lacks_rows(test.part, test.result, rules):
        return Verdict.INCONCLUSIVE
    if test.detector.is_distance:
        return _distance_verdict(test)
    return verdict_of(test.result, adjusted_p, rules.level, rules.min_effect)


def verdict_of(result: TestResult, adjusted_p: float | None, level: float, min_effect: float) -> Verdict:
    """Say drift when the p-value is within the level and the whole interval of the effect matters.

    When only the estimate matters, or the p-value is near the level, warn.
    """
    if adjusted_p is None or result.effect is None:
        return Verdict.INCONCLUSIVE
    if result.effect < min_effect or adjusted_p > min(WARN_LEVELS * level, 0.05):
        return Verdict.OK
    is_sure = result.effect_low is not None and result.effect_low >= min_effect
    return Verdict.DRIFT if is_sure and adjusted_p <= level else Verdict.WARN


def _distance_verdict(test: _Tested) -> Verdict:
    """A distance says drift only against a threshold of the user's."""
    limit = test.detector.threshold
    return Verdict.DRIFT if limit is not None and test.result.statistic >= limit else Verdict.OK
