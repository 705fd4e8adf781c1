"""Verdicts with the names and times that make them rows of history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from detectors.result import Shift, TestResult, Verdict


@dataclass(frozen=True, slots=True)
class Finding:
    """One detector's verdict about one feature in one window: a row of ``drift_history``.

    ``multiple`` is the window's length in base windows (1, 2, 4 ...).
    ``details`` is JSON-able evidence in words for messages (medians, categories).
    """

    model: str
    model_version: str
    segment: str
    start_ms: int
    end_ms: int
    multiple: int
    shift: Shift
    detector: str
    feature: str
    result: TestResult
    adjusted_p: float | None
    threshold: float | None
    verdict: Verdict
    reference_id: str
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class QualityFinding:
    """One check's verdict about one feature in one window: a row of ``quality_history``.

    ``feature`` is empty for checks of the whole log (row_count, freshness ...).
    """

    model: str
    model_version: str
    segment: str
    start_ms: int
    end_ms: int
    feature: str
    check_name: str
    dimension: str
    expected: str
    observed: str
    failed_rows: int
    total_rows: int
    p_value: float | None
    verdict: Verdict
    reference_id: str
    note: str


@dataclass(frozen=True, slots=True)
class ExperimentResult:
    """What an experiment says of one variant beside the control so far: a row of ``experiment_history``.

    It is about all rows from ``since_ms`` to the window's end. ``kind`` is split, input, prediction,
    performance or metric, ``measure`` the column or the figure. What is not known is None.
    """

    model: str
    model_version: str
    experiment: str
    start_ms: int
    end_ms: int
    since_ms: int
    kind: str
    measure: str
    variant: str
    control: str
    n_control: int
    n_variant: int
    control_value: float | None
    variant_value: float | None
    difference: float | None
    low: float | None
    high: float | None
    lift: float | None
    lift_low: float | None
    lift_high: float | None
    probability: float | None
    log_evidence: float | None
    conclusion: str
    reference_id: str
    note: str


@dataclass(frozen=True, slots=True)
class PerformanceFinding:
    """One metric's value in one window, and what it says of the model: a row of ``performance_history``.

    ``low`` and ``high`` are the value's 95 % confidence interval, ``band_low`` and ``band_high`` where it had
    to stay; NaN, like None, stands for what is not known. ``direction`` is "worse", "better" or empty. How
    often the window has been published, the store counts.
    """

    model: str
    model_version: str
    segment: str
    start_ms: int
    end_ms: int
    multiple: int
    metric: str
    is_estimate: bool
    value: float
    low: float | None
    high: float | None
    reference_value: float | None
    band_low: float | None
    band_high: float | None
    p_value: float | None
    adjusted_p: float | None
    labelled_rows: int
    label_ratio: float | None
    verdict: Verdict
    direction: str
    reference_id: str
    note: str
