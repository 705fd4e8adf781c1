"""Values to store, each with defaults for what a test does not care about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.model import Alert, Severity, Status, labels
from alerts.outgoing import Message, Notification, Reason
from detectors.result import Shift, TestResult, Verdict
from monitor.findings import ExperimentResult, Finding, PerformanceFinding, QualityFinding
from monitor.source.base import TopicPartition
from monitor.store.base import (
    Advance,
    ChallengerResult,
    Closed,
    ClosedWindow,
    DetectorState,
    ExperimentSum,
    JoinedWindow,
    LearnedWindow,
    ModelLock,
    OpenWindow,
    PartitionClock,
    Progress,
    ReferenceRow,
    Store,
)

MODEL = "churn"
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = 3_600_000
START = 1_772_323_200_000  # 2026-03-01T00:00Z
ONE, OTHER = TopicPartition("predictions", 0), TopicPartition("predictions", 1)


def later(**units: float) -> datetime:
    return AT + timedelta(**units)


def part(hour: int = 0, partition: TopicPartition = ONE, rows: int = 10, **changes: Any) -> OpenWindow:
    start = START + hour * HOUR
    window = OpenWindow(MODEL, "", start, start + HOUR, partition, "ref", rows, rows, 0, b"profile")
    return replace(window, **changes)


def clock(
    partition: TopicPartition = ONE, max_event_ms: int | None = START, **changes: Any
) -> PartitionClock:
    return replace(PartitionClock(MODEL, partition, max_event_ms, AT, caught_up=False), **changes)


def read(expected: int | None, until: int, *windows: OpenWindow, partition: TopicPartition = ONE) -> Progress:
    """Progress of one partition's cursor and these windows."""
    return Progress(advances=(Advance(partition, expected, until),), windows=windows)


def closed_window(hour: int = 0, **changes: Any) -> ClosedWindow:
    start = START + hour * HOUR
    window = ClosedWindow(
        MODEL, "v1", "", start, start + HOUR, "ref", 20, 0, 0, 0, AT, {"age": b"counts", "plan": b"\x00\xff"}
    )
    return replace(window, **changes)


def closed(
    hour: int = 0,
    findings: tuple[Finding, ...] = (),
    quality: tuple[QualityFinding, ...] = (),
    **changes: Any,
) -> Closed:
    return Closed(closed_window(hour, **changes), findings, quality, AT)


def result(**changes: Any) -> TestResult:
    return replace(TestResult(0.25, 1e-9, 0.25, 0.2, 0.3, 1000, 20, 0.001, "fine"), **changes)


def finding(hour: int = 0, feature: str = "age", **changes: Any) -> Finding:
    start = START + hour * HOUR
    made = Finding(
        MODEL, "v1", "", start, start + HOUR, 1, Shift.COVARIATE, "ks", feature, result(), 1e-7, 0.01,
        Verdict.DRIFT, "ref", {"median": [24.7, 46.1]},
    )  # fmt: skip
    return replace(made, **changes)


def quality(hour: int = 0, feature: str = "age", **changes: Any) -> QualityFinding:
    start = START + hour * HOUR
    made = QualityFinding(
        MODEL, "v1", "", start, start + HOUR, feature, "completeness", "completeness", "no nulls", "3 nulls",
        3, 20, None, Verdict.FAIL, "ref", "",
    )  # fmt: skip
    return replace(made, **changes)


def performance(hour: int = 0, metric: str = "accuracy", **changes: Any) -> PerformanceFinding:
    start = START + hour * HOUR
    made = PerformanceFinding(
        MODEL, "v1", "", start, start + HOUR, 1, metric, False, 0.91, 0.9, 0.92, 0.944, 0.936, 0.951,
        1e-6, 1e-5, 18, 0.9, Verdict.DRIFT, "worse", "ref", "fine",
    )  # fmt: skip
    return replace(made, **changes)


def joined(hour: int = 0, partition: TopicPartition = ONE, **changes: Any) -> JoinedWindow:
    start = START + hour * HOUR
    made = JoinedWindow(MODEL, "", start, start + HOUR, partition, "ref", 8, 1, 2, 3, 4, 5, b"\x00sums")
    return replace(made, **changes)


def learned(hour: int = 0, partition: TopicPartition = ONE, **changes: Any) -> LearnedWindow:
    start = START + hour * HOUR
    return replace(LearnedWindow(MODEL, "", start, start + HOUR, partition, "ref", b"\xfflosses"), **changes)


def state(signal: str = "loss", detector: str = "adwin", **changes: Any) -> DetectorState:
    made = DetectorState(MODEL, "", signal, detector, START + HOUR, 400, 2, b"\x00state")
    return replace(made, **changes)


def challenger(hour: int = 0, **changes: Any) -> ChallengerResult:
    start = START + hour * HOUR
    made = ChallengerResult(
        MODEL, start, start + HOUR, "adaptive_forest", "grid", 200, 28.0, 16.0, -0.06, -0.08, -0.04,
        250, 0.4, 7,
    )  # fmt: skip
    return replace(made, **changes)


def alert(feature: str = "age", hour: int = 0, status: Status = Status.FIRING, **changes: Any) -> Alert:
    start = START + hour * HOUR
    made = Alert(
        labels=labels(model=MODEL, shift="covariate", feature=feature, segment=""),
        severity=Severity.WARNING,
        status=status,
        multiple=1,
        opened_ms=start,
        last_bad_ms=start + HOUR,
        fired_ms=None if status is Status.PENDING else start + HOUR,
        resolved_ms=start + 2 * HOUR if status is Status.RESOLVED else None,
        bad_windows=1,
        clear_windows=0,
        annotations={"details": {"kind": "numeric"}, "effect": 0.25},
    )
    return replace(made, **changes)


def notification(service: str = "slack", title: str = "first", **changes: Any) -> Notification:
    made = Notification(
        "model=churn", MODEL, service, Reason.FIRST, frozenset({alert().alert_id}), frozenset(),
        Message(title, "*slack*", "<b>html</b>", "text", {"alerts": [{"ends_ms": None}]}), AT,
    )  # fmt: skip
    return replace(made, **changes)


def reference(name: str = "ref", **changes: Any) -> ReferenceRow:
    made = ReferenceRow(
        name, MODEL, "v1", 1000, "train.parquet", "c0ffee", AT, active=True, payload=b"\x00grid"
    )
    return replace(made, **changes)


def held(lock: ModelLock | None) -> ModelLock:
    assert lock is not None
    return lock


def close(store: Store, *outcomes: Closed) -> None:
    """Write judged windows under the model's lock."""
    with store.lock(MODEL) as lock:
        assert lock is not None
        for outcome in outcomes:
            lock.close(outcome)


def experiment_sum(hour: int = 0, **changes: Any) -> ExperimentSum:
    known: dict[str, Any] = {
        "model": MODEL, "experiment": "new trees", "start_ms": START + hour * HOUR,
        "end_ms": START + (hour + 1) * HOUR, "kind": "metric", "measure": "revenue", "variant": "v2",
        "n": 100, "total": 1_250.5, "squares": 20_000.25,
    }  # fmt: skip
    return ExperimentSum(**known | changes)


def experiment_result(hour: int = 0, **changes: Any) -> ExperimentResult:
    known: dict[str, Any] = {
        "model": MODEL, "model_version": "v1", "experiment": "new trees", "start_ms": START + hour * HOUR,
        "end_ms": START + (hour + 1) * HOUR, "since_ms": START, "kind": "metric", "measure": "revenue",
        "variant": "v2", "control": "v1", "n_control": 100, "n_variant": 90, "control_value": 10.0,
        "variant_value": 12.5, "difference": 2.5, "low": 0.5, "high": 4.5, "lift": 0.25, "lift_low": 0.04,
        "lift_high": 0.5, "probability": 0.98, "log_evidence": None, "conclusion": "better",
        "reference_id": "ref", "note": "",
    }  # fmt: skip
    return ExperimentResult(**known | changes)
