"""Verdicts from p-values, intervals and design effects."""

from __future__ import annotations

from dataclasses import replace

import pytest

from detectors.frames import columns_from_frame
from detectors.profile import summarise
from detectors.result import TestResult, Verdict
from monitor.config.model import Detectors
from monitor.findings import Finding
from monitor.judge import Rules, judge, verdict_of
from monitor.windows import Span
from tests.monitor.worlds import HOUR_MS, START_MS, reference, training_frame

LEVEL = 1e-4


@pytest.mark.parametrize(
    ("effect", "low", "p", "verdict"),
    [
        (0.05, 0.02, 1e-5, Verdict.DRIFT),
        (0.05, 0.02, 1e-4, Verdict.DRIFT),
        (0.05, 0.009, 1e-9, Verdict.WARN),  # large, it seems, but not surely
        (0.05, None, 1e-9, Verdict.WARN),
        (0.05, 0.02, 9e-4, Verdict.WARN),
        (0.05, 0.02, 2e-3, Verdict.OK),
        (0.005, 0.004, 1e-12, Verdict.OK),  # certain, and too small to matter
        (0.05, 0.02, None, Verdict.INCONCLUSIVE),
        (None, None, 1e-9, Verdict.INCONCLUSIVE),
    ],
)
def test_nobody_is_woken_before_a_shift_surely_matters(
    effect: float | None, low: float | None, p: float | None, verdict: Verdict
) -> None:
    result = TestResult(0.1, p, effect, low, None, 1_000, 1_000)
    assert verdict_of(result, p, LEVEL, 0.01) is verdict


def of_age(windows: int) -> Finding:
    """The verdict about ages that are a little higher, where two windows together count for less."""
    known = replace(reference(), longer_effects={"age": (1.0, 20.0)})
    frame = training_frame(2_000, seed=4)
    frame["age"] += 4.0
    now = summarise(known, columns_from_frame(frame, known.dictionary))
    span = Span(START_MS, START_MS + HOUR_MS, windows)
    rules = Rules(LEVEL, 0.01, 50, Detectors(), windows)
    (found,) = (
        one for one in judge("m", "", known, now, span, rules) if (one.feature, one.detector) == ("age", "ks")
    )
    return found


def test_each_length_of_windows_has_its_own_design_effect_and_longer_ones_the_last() -> None:
    one, two, four = (of_age(windows) for windows in (1, 2, 4))
    assert one.verdict is Verdict.DRIFT
    assert two.verdict is Verdict.OK
    assert one.result.statistic == two.result.statistic
    assert two.result == four.result
