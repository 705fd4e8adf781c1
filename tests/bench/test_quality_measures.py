"""Figures of the comparison, against hand-counted ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.quality.measures import Delays, delay, false_alarms, summary, threshold, units
from bench.quality.tables import ahead


def flags(*rows: str) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """One text a window, one mark a feature: x is an alarm."""
    return np.array([[mark == "x" for mark in row] for row in rows])


def test_an_alarm_that_goes_on_begins_once() -> None:
    counted = false_alarms([flags("..", "x.", "x.", "xx", ".."), flags("x.", "..", ".x")])
    assert (counted.windows, counted.alarming, counted.begun) == (8, 5, 4)
    assert counted.begun_rate == 0.5


def test_the_interval_of_no_alarms_ends_at_the_rule_of_three_and_more() -> None:
    low, high = false_alarms([flags(*[".."] * 1_000)]).interval(0)
    assert low == 0.0
    assert high == pytest.approx(3.689, abs=0.001)  # -ln(0.025)


def test_the_first_changed_window_is_a_delay_of_one() -> None:
    assert delay(flags(".", ".", "x", "."), before=2) == 1.0
    assert delay(flags(".", ".", ".", "x"), before=2) == 2.0


def test_alarms_before_the_change_have_found_nothing() -> None:
    assert delay(flags("x", "x", ".", "."), before=2) == math.inf


def test_streams_in_which_nothing_was_found_count_in_median_and_mean() -> None:
    assert summary([1.0, 3.0, math.inf], after=10) == Delays(3, 2 / 3, 3.0, (1 + 3 + 11) / 3)
    assert summary([1.0, math.inf, math.inf], after=10).median == math.inf
    assert summary([2.0, 3.0], after=10).median == 2.5


def test_a_threshold_lets_as_many_windows_alarm_as_it_may() -> None:
    scores = [np.arange(200.0).reshape(100, 2)]
    at = threshold(scores, rate=0.03)
    assert (scores[0] > at).any(axis=1).sum() == 3
    assert threshold(scores, rate=0.001) == 199.0


def test_a_threshold_passes_over_features_that_were_not_asked_about() -> None:
    assert threshold([np.array([[1.0, np.nan], [5.0, np.nan]])], rate=0.5) == 1.0


def test_distances_are_measured_in_units_of_their_own_feature() -> None:
    rng = np.random.default_rng(1)
    scores = rng.exponential([1.0, 100.0], (5_000, 2))
    assert units([scores]) == pytest.approx([4.6, 460.0], rel=0.1)


def test_who_is_ahead_has_the_least_mean_delay_and_found_something() -> None:
    never = Delays(2, 0.0, math.inf, 11.0)
    figures = {
        "slow": {"mean": Delays(2, 1.0, 4.0, 4.0)},
        "fast": {"mean": Delays(2, 1.0, 2.0, 2.0)},
        "level": {"mean": Delays(2, 1.0, 2.0, 2.0)},
        "blind": {"mean": never},
    }
    assert ahead(figures, "mean") == ["fast", "level"]
    assert ahead({"blind": {"mean": never}}, "mean") == []
