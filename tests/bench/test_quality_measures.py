"""Figures of the comparison, against hand-counted ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.quality.measures import Delays, delay, false_alarms, is_later, summary, threshold, units
from bench.quality.tables import ahead


def of(*delays: float) -> Delays:
    return summary(dict(enumerate(delays)), after=50)


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
    found = summary({0: 3.0, 1: 1.0, 4: math.inf}, after=10)
    assert found == Delays(2 / 3, 3.0, {0: 3.0, 1: 1.0, 4: 11.0})
    assert (found.streams, found.mean) == (3, 5.0)
    assert found.error == pytest.approx((28.0 / 3.0) ** 0.5)
    assert summary({0: 1.0, 1: math.inf, 2: math.inf}, after=10).median == math.inf
    assert summary({0: 2.0, 1: 3.0}, after=10).median == 2.5


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
    never = summary(dict.fromkeys(range(4), math.inf), after=10)
    figures = {
        "slow": {"mean": of(4.0, 5.0, 4.0, 6.0)},
        "close": {"mean": of(1.0, 4.0, 2.0, 3.0)},
        "fast": {"mean": of(2.0, 2.0, 2.0, 3.0)},
        "level": {"mean": of(2.0, 2.0, 2.0, 3.0)},
        "blind": {"mean": never},
    }
    assert ahead(figures, "mean") == ["fast", "level", "close"]
    assert ahead({"blind": {"mean": never}}, "mean") == []


def test_a_difference_is_sure_by_the_streams_that_both_have_judged() -> None:
    usual = of(10.0, 20.0, 30.0, 40.0)
    assert is_later(of(11.0, 21.5, 31.0, 41.5), usual)
    assert not is_later(of(9.0, 22.0, 29.0, 43.0), usual)
    assert not is_later(usual, of(11.0, 21.5, 31.0, 41.5))
    assert not is_later(of(10.0, 20.0, 30.0, 40.0), usual)
    assert not is_later(of(11.0), usual)
