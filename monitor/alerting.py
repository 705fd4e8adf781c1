"""From verdicts to alerts: what each round of closed windows says, and what changes with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from alerts.flush import Settings
from alerts.grouping import group_key, group_of, schedule
from alerts.lifecycle import accept, step
from alerts.model import Alert, Labels, Observation, Severity, Status, fingerprint, labels
from alerts.outgoing import Group, Sent
from detectors.reference import Reference
from detectors.result import Verdict
from monitor.findings import Finding, PerformanceFinding, QualityFinding
from monitor.mattering import owners
from monitor.plan import ModelPlan
from monitor.store.base import Alerting, ModelLock, Noted

_CRITICAL_CHECKS = frozenset({"missing_column", "row_count", "freshness"})
_BAD = frozenset({Verdict.DRIFT, Verdict.FAIL})
_CLEAR = frozenset({Verdict.OK, Verdict.WARN})
_ADVISED = frozenset({"concept", "performance"})

AnyFinding = Finding | QualityFinding | PerformanceFinding


class AlertRound:
    """The alerts of one model while its closed windows are gone through, oldest first."""

    def __init__(
        self,
        alerts: Iterable[Alert],
        settings: Settings,
        critical: frozenset[str],
        advice: Mapping[str, Any] | None = None,
        config_hash: str = "",
        owners: Mapping[str, str] | None = None,
    ) -> None:
        """Start from the stored alerts, oldest first; ``critical`` are features whose alerts are critical.

        ``advice`` (see `monitor.performance.advice`) goes with alerts about the model itself, the hash of the
        configuration with all evidence, and the owner of a feature with what is about it.
        """
        self._advice = advice
        self._config_hash = config_hash
        self._owners = owners or {}
        self._latest: dict[str, Alert] = {}
        self._ended: dict[str, Alert] = {}
        for alert in alerts:
            self._remember(alert.fingerprint, alert)
        self._settings = settings
        self._critical = critical
        self._written: dict[str, Alert] = {}
        self._forgotten: set[str] = set()
        self._changed_groups: dict[str, Group] = {}
        self._news: dict[str, None] = {}

    @classmethod
    def of(cls, lock: ModelLock, plan: ModelPlan, advice: Mapping[str, Any] | None = None) -> AlertRound:
        """Start from the alerts of the locked model, with what its plan says."""
        known = plan.reference
        critical, belong = critical_features(known), owners(known.dictionary)
        return cls(lock.alerts(), plan.alerting, critical, advice, plan.config_hash, belong)

    def step(
        self,
        findings: Iterable[Finding],
        quality: Iterable[QualityFinding],
        start_ms: int,
        end_ms: int,
        performance: Iterable[PerformanceFinding] = (),
    ) -> None:
        """Go through one window's findings."""
        found = observations((*findings, *quality, *performance), start_ms, end_ms, self._critical)
        for observation in found:
            observation = self._completed(observation)  # noqa: PLW2901
            key = fingerprint(observation.labels)
            before = self._latest.get(key)
            after = step(before, observation, self._settings.for_windows, self._settings.keep_windows)
            if after != before:
                self._note(key, before, after)

    def _completed(self, observation: Observation) -> Observation:
        if not observation.annotations:
            return observation
        more: dict[str, Any] = {"config_hash": self._config_hash}
        if self._advice is not None and dict(observation.labels)["shift"] in _ADVISED:
            more["advice"] = self._advice
        if owner := self._owners.get(dict(observation.labels)["feature"]):
            more["owner"] = owner
        return replace(observation, annotations={**observation.annotations, **more})

    def accept(
        self, is_accepted: Callable[[Alert], bool], end_ms: int, acceptance: Mapping[str, Any]
    ) -> tuple[Alert, ...]:
        """End what is open and accepted (see `alerts.lifecycle.accept`); give what had fired."""
        ended = {alert.fingerprint: alert for alert in self.standing if is_accepted(alert)}
        for key, alert in ended.items():
            self._note(key, alert, accept(alert, end_ms, acceptance))
        return tuple(alert for alert in ended.values() if alert.status is Status.FIRING)

    def is_news(self, finding: QualityFinding) -> bool:
        """Tell whether a finding that is looked at again and again says something that is not known yet."""
        known = self._latest.get(fingerprint(_labels(finding)))
        is_open = known is not None and known.status is not Status.RESOLVED
        is_firing = known is not None and known.status is Status.FIRING
        return not is_firing if finding.verdict in _BAD else is_open

    def _note(self, key: str, before: Alert | None, after: Alert | None) -> None:
        if after is None:
            if before is not None:
                self._forget(key)
                self._forgotten.add(before.alert_id)
                self._written.pop(before.alert_id, None)
            return
        self._remember(key, after)
        self._written[after.alert_id] = after
        self._forgotten.discard(after.alert_id)
        is_news = before is None or before.status is not after.status
        if is_news and after.status is not Status.PENDING:
            self._changed_groups[group_key(after)] = group_of(after)
            self._news[after.alert_id] = None

    def _remember(self, key: str, alert: Alert) -> None:
        self._latest[key] = alert
        if alert.status is Status.RESOLVED:
            self._ended[key] = alert

    def _forget(self, key: str) -> None:
        """What ended before a pending alert is the latest again: no new one may begin before its end."""
        del self._latest[key]
        if key in self._ended:
            self._latest[key] = self._ended[key]

    def changes(self, groups: Iterable[Group], told: frozenset[str], now: datetime) -> Alerting:
        """What has to be written: alerts, and groups whose next message is now planned.

        ``told`` are the keys of groups of which some service has heard something that still stands.
        """
        stored = {group.key: group for group in groups}
        planned = [
            schedule(
                stored.get(key, fresh),
                True,
                key in told,
                now,
                self._settings.group_wait,
                self._settings.group_interval,
            )
            for key, fresh in self._changed_groups.items()
        ]
        noted = [Noted(name, one, now) for name in sorted(self._settings.digests) for one in self._news]
        return Alerting(
            tuple(self._written.values()), tuple(sorted(self._forgotten)), tuple(planned), noted=tuple(noted)
        )

    @property
    def standing(self) -> tuple[Alert, ...]:
        """Alerts that are pending or firing."""
        return tuple(alert for alert in self._latest.values() if alert.status is not Status.RESOLVED)

    @property
    def written(self) -> tuple[Alert, ...]:
        """Alerts that are new or have changed."""
        return tuple(self._written.values())


def has_told(sent: Mapping[str, Sent]) -> bool:
    """Tell whether some service has heard of an alert that it has not heard to be over."""
    return any(entry.firing for entry in sent.values())


def critical_features(reference: Reference) -> frozenset[str]:
    """Give the features that the dictionary calls critical."""
    return frozenset(name for name, feature in reference.dictionary.features.items() if feature.critical)


def observations(
    findings: Iterable[AnyFinding], start_ms: int, end_ms: int, critical: frozenset[str] = frozenset()
) -> tuple[Observation, ...]:
    """One observation per feature and shift, one per feature and check, one per metric known or estimated."""
    by_labels: dict[Labels, list[AnyFinding]] = defaultdict(list)
    for finding in findings:
        by_labels[_labels(finding)].append(finding)
    return tuple(_observation(which, group, start_ms, end_ms, critical) for which, group in by_labels.items())


def _labels(finding: AnyFinding) -> Labels:
    if isinstance(finding, Finding):
        return labels(
            model=finding.model, shift=str(finding.shift), feature=finding.feature, segment=finding.segment
        )
    if isinstance(finding, PerformanceFinding):
        check = "estimated" if finding.is_estimate else "realised"
        return labels(
            model=finding.model,
            shift="performance",
            feature=finding.metric,
            check=check,
            segment=finding.segment,
        )
    return labels(
        model=finding.model,
        shift="quality",
        feature=finding.feature,
        check=finding.check_name,
        segment=finding.segment,
    )


def _observation(
    which: Labels, group: list[AnyFinding], start_ms: int, end_ms: int, critical: frozenset[str]
) -> Observation:
    verdicts: dict[int, bool | None] = {}
    for finding in group:
        multiple = 1 if isinstance(finding, QualityFinding) else finding.multiple
        verdicts[multiple] = _worse(verdicts.get(multiple), _said(finding.verdict))
    bad = [finding for finding in group if finding.verdict in _BAD]
    if not bad:
        return Observation(which, verdicts, start_ms, end_ms)
    shown = min(bad, key=lambda finding: (finding.end_ms - finding.start_ms, _p(finding)))
    return Observation(
        which,
        verdicts,
        shown.start_ms,
        shown.end_ms,
        _severity(shown, critical),
        _evidence(shown),
    )


def _said(verdict: Verdict) -> bool | None:
    if verdict in _BAD:
        return True
    return False if verdict in _CLEAR else None


def _worse(one: bool | None, other: bool | None) -> bool | None:
    if one is None or other is None:
        return other if one is None else one
    return one or other


def _p(finding: AnyFinding) -> float:
    p = finding.p_value if isinstance(finding, QualityFinding) else finding.adjusted_p
    return 1.0 if p is None else p


def _severity(finding: AnyFinding, critical: frozenset[str]) -> Severity:
    if isinstance(finding, PerformanceFinding):
        return Severity.INFO if finding.direction == "better" else Severity.WARNING
    is_critical = finding.feature in critical or (
        isinstance(finding, QualityFinding) and finding.check_name in _CRITICAL_CHECKS
    )
    return Severity.CRITICAL if is_critical else Severity.WARNING


def _evidence(finding: AnyFinding) -> dict[str, Any]:
    common: dict[str, Any] = {
        "window_start_ms": finding.start_ms,
        "window_end_ms": finding.end_ms,
        "reference_id": finding.reference_id,
        "model_version": finding.model_version,
    }
    if isinstance(finding, QualityFinding):
        return common | {
            "rows": finding.total_rows,
            "details": {
                "kind": "quality",
                "check": finding.check_name,
                "expected": finding.expected,
                "observed": finding.observed,
                "failed_rows": finding.failed_rows,
                "total_rows": finding.total_rows,
                "note": finding.note,
            },
        }
    if isinstance(finding, PerformanceFinding):
        return common | _performance_evidence(finding)
    return common | {
        "shift": str(finding.shift),
        "detector": finding.detector,
        "effect": finding.result.effect,
        "effect_low": finding.result.effect_low,
        "effect_high": finding.result.effect_high,
        "adjusted_p": finding.adjusted_p,
        "level": finding.threshold,
        "multiple": finding.multiple,
        "rows": finding.result.n_current,
        "details": finding.details,
    }


def _performance_evidence(finding: PerformanceFinding) -> dict[str, Any]:
    told = (
        "metric", "value", "low", "high", "reference_value", "band_low", "band_high", "is_estimate",
        "labelled_rows", "label_ratio", "direction",
    )  # fmt: skip
    return {
        "shift": "performance",
        "adjusted_p": finding.adjusted_p,
        "multiple": finding.multiple,
        "details": {"kind": "performance", **{name: getattr(finding, name) for name in told}},
    }
