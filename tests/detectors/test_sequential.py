from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from river import drift

from detectors.concept import KINDS, Change, Settings, State, StateLost, encode, settings_for, step
from detectors.sequential_pickle import freeze

RATE = 1e-4
FAST = [kind for kind in KINDS if kind != "kswin"]
START_MS = 1_700_000_000_000


def times_of(rows: int) -> NDArray[np.int64]:
    return START_MS + np.arange(rows, dtype=np.int64) * 1000


def coins(seed: int, *parts: tuple[int, float]) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.random(rows) < rate for rows, rate in parts]).astype(np.float64)


def of_kind(kind: str, rate: float = RATE) -> Settings:
    return settings_for(kind, rate, 0.2, 0.4)


def stepped(chosen: Settings, values: NDArray[np.float64], cuts: list[int]) -> tuple[State, list[Change]]:
    state: State | None = None
    changes: list[Change] = []
    times = times_of(len(values))
    for rows in np.split(np.arange(len(values)), sorted(cuts)):
        state, found = step(state, chosen, values[rows], times[rows])
        changes += found
    assert state is not None
    return state, changes


@pytest.mark.parametrize("kind", KINDS)
def test_a_rise_of_errors_is_found_with_its_place_and_its_size(kind: str) -> None:
    state, changes = stepped(of_kind(kind, 1e-6), coins(1, (2000, 0.2), (600, 0.7)), [])
    first = changes[0]
    assert first.direction == 1
    assert first.changed_at_ms <= first.detected_at_ms
    assert START_MS + 2_000_000 <= first.detected_at_ms <= START_MS + 2_600_000
    slack = 310 if kind == "kswin" else 30  # KSWIN tells where the newer of its two samples begins
    assert abs(first.changed_at_ms - START_MS - 2_000_000) <= slack * 1000
    assert first.before == pytest.approx(0.2, abs=0.03)
    assert first.rows_since == (first.detected_at_ms - first.changed_at_ms) // 1000 + 1
    assert first.after >= (0.25 if kind == "kswin" else 0.5)
    assert (state.rows, state.dropped) == (2600, 0)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "ddm"])
def test_a_fall_is_found_by_all_but_ddm(kind: str) -> None:
    values = coins(2, (1200, 0.7), (400, 0.1))
    assert [change.direction for change in stepped(of_kind(kind), values, [])[1]][:1] == [-1]


def test_ddm_sees_no_fall() -> None:
    assert not stepped(of_kind("ddm"), coins(2, (1200, 0.7), (400, 0.1)), [])[1]


@pytest.mark.parametrize("kind", KINDS)
def test_stepping_is_river_itself_bit_for_bit(kind: str) -> None:
    chosen = of_kind(kind)
    values = coins(3, (1500, 0.2), (400, 0.8), (700, 0.1))
    detector, alarms = chosen.new_detector(), []
    for row, value in enumerate(values.tolist()):
        detector.update(value)
        if detector.drift_detected:
            alarms.append(START_MS + row * 1000)
    state, changes = stepped(chosen, values, list(range(0, len(values), 97)))
    assert alarms
    assert [change.detected_at_ms for change in changes] == alarms
    assert state.detector == freeze(detector)


@pytest.mark.parametrize("kind", FAST)
@settings(max_examples=8)
@given(cuts=st.lists(st.integers(0, 1100), max_size=5))
def test_batches_of_any_sizes_give_the_same_state_and_changes(kind: str, cuts: list[int]) -> None:
    values = coins(4, (700, 0.2), (400, 0.7))
    whole, found = stepped(of_kind(kind), values, [])
    parts, found_in_parts = stepped(of_kind(kind), values, cuts)
    assert found_in_parts == found
    assert encode(parts) == encode(whole)


@pytest.mark.parametrize("kind", KINDS)
def test_the_given_state_does_not_change(kind: str) -> None:
    chosen = of_kind(kind)
    state, _ = stepped(chosen, coins(5, (1100, 0.2)), [])
    kept = encode(state)
    more = coins(6, (600, 0.9))
    first = step(state, chosen, more, times_of(600))
    second = step(state, chosen, more, times_of(600))
    assert encode(state) == kept
    assert first[1] == second[1] != ()
    assert encode(first[0]) == encode(second[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_counted_and_reach_nothing(kind: str, bad: float) -> None:
    chosen = of_kind(kind)
    values = coins(7, (1200, 0.2), (500, 0.8))
    clean, found = step(None, chosen, values, times_of(1700))
    places = np.array([0, 3, 1000, 1300, 1700])
    dirty, found_in_dirt = step(
        None, chosen, np.insert(values, places, bad), np.insert(times_of(1700), places, 0)
    )
    assert found_in_dirt == found != ()
    assert (dirty.rows, dirty.dropped) == (1700, 5)
    assert dirty.detector == clean.detector


def test_one_nan_silences_rivers_adwin_which_is_why_it_never_sees_one() -> None:
    detector = drift.ADWIN()  # type: ignore[no-untyped-call]
    alarms = 0
    for value in [math.nan, *coins(7, (1200, 0.2), (500, 0.8)).tolist()]:
        detector.update(value)  # type: ignore[no-untyped-call]
        alarms += detector.drift_detected
    assert alarms == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [-0.001, 1.001, 7.5])
def test_a_value_outside_the_unit_interval_is_an_error_that_names_it(kind: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{kind}.*from 0 to 1 and was given {value}: scale"):
        step(None, of_kind(kind), np.array([0.5, value]), times_of(2))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("values", [[], [0.0], [1.0], [math.nan], [0.0] * 1200, [1.0] * 1200, [0.3] * 1200])
def test_no_row_one_row_and_constant_rows_raise_nothing(kind: str, values: list[float]) -> None:
    state, changes = step(None, of_kind(kind), np.array(values), times_of(len(values)))
    assert changes == ()
    assert state.rows + state.dropped == len(values)


def test_arrays_of_different_lengths_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"shape \(3,\) and times of shape \(2,\)"):
        step(None, of_kind("adwin"), np.zeros(3), times_of(2))


def test_a_state_of_other_settings_is_lost() -> None:
    state, _ = step(None, of_kind("adwin", 1e-6), np.zeros(3), times_of(3))
    with pytest.raises(StateLost, match=r"delta 0.005\), the settings now are adwin .*starts anew"):
        step(state, of_kind("adwin", 1e-7), np.zeros(3), times_of(3))


@pytest.mark.parametrize("kind", FAST)
def test_after_a_detection_the_detector_and_its_history_start_anew(kind: str) -> None:
    chosen = of_kind(kind)
    values = coins(8, (2000, 0.2), (600, 0.8))
    state, changes = stepped(chosen, values, [])
    at = (changes[-1].detected_at_ms - START_MS) // 1000
    fresh, _ = step(None, chosen, values[at + 1 :], times_of(len(values))[at + 1 :])
    assert state.detector == fresh.detector
    assert state.history.rows == fresh.history.rows == len(values) - at - 1
