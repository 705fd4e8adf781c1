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
