"""Rate of false alarms, power, and what stands after a change."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pytest

from detectors.columns import Column
from detectors.counts import Counts, count_numeric
from detectors.counts_categorical import CategoricalCounts
from detectors.counts_numeric import NumericCounts
from detectors.e_detector import (
    KEPT,
    Evidence,
    Level,
    State,
    StateLost,
    decode,
    encode,
    step,
)
from detectors.grid import numeric_grid
from detectors.scores import Scores, scores_of

REFERENCE_ROWS = 10_000
A_QUARTER_OF_A_BUDGET = math.log(25 * 1_000 * 4)
"""One alarm in 1,000 windows, shared over 25 features, a quarter of it for this detector."""


def normal_scores(rng: np.random.Generator) -> tuple[Scores, object]:
    values = rng.normal(size=REFERENCE_ROWS)
    grid = numeric_grid(values, 2048)
    scores = scores_of(count_numeric(grid, Column(values)))
    assert scores is not None
    return scores, grid


def follow(
    rng: np.random.Generator,
    shifts: Iterable[float],
    rows: int = 1_000,
    threshold: float = A_QUARTER_OF_A_BUDGET,
) -> list[Evidence]:
    """Windows of normal values whose means are these."""
    scores, grid = normal_scores(rng)
    state, found = State.begin(REFERENCE_ROWS, scores.width), []
    for at, shift in enumerate(shifts):
        counts = count_numeric(grid, Column(rng.normal(shift, size=rows)))  # type: ignore[arg-type]
        state, evidence = step(state, scores, Level(rows, scores.sums(counts)), at, threshold)
        found.append(evidence)
    return found


def delay(found: Sequence[Evidence], since: int) -> float:
    return next((at - since + 1.0 for at, one in enumerate(found) if one.is_alarm), math.inf)


@pytest.mark.parametrize(("shift", "windows", "wanted"), [(0.25, 5, 1), (0.1, 12, 3), (0.05, 40, 20)])
def test_a_shift_of_a_fraction_of_a_standard_deviation_is_seen_within_windows(
    shift: float, windows: int, wanted: int
) -> None:
    delays = [
        delay(follow(np.random.default_rng(seed), [0.0] * 60 + [shift] * windows), 60) for seed in range(15)
    ]
    assert np.median(delays) <= wanted


def categories(zeros: int, ones: int) -> CategoricalCounts:
    return CategoricalCounts(np.array([zeros, ones]))


def numbers(zeros: int, ones: int) -> NumericCounts:
    return NumericCounts(np.array([zeros, ones]), np.zeros(3, np.int64))


@pytest.mark.parametrize("counted", [categories, numbers])
def test_the_mean_number_of_windows_until_a_false_alarm_is_at_least_the_threshold(
    counted: Callable[[int, int], Counts],
) -> None:
    """Binary rows, where the scores are as far from normal as they can be."""
    rng = np.random.default_rng(7)
    threshold, windows, alarms = 40.0, 0, 0
    for _ in range(150):
        share = rng.uniform(0.06, 0.5)
        reference = rng.binomial(2_000, share)
        scores = scores_of(counted(2_000 - reference, reference))
        assert scores is not None
        state = State.begin(2_000, scores.width)
        for at, ones in enumerate(rng.binomial(100, share, 80)):
            window = Level(100, scores.sums(counted(100 - ones, ones)))
            state, evidence = step(state, scores, window, at, math.log(threshold))
            alarms += evidence.is_alarm
            windows += 1
    assert alarms > 0
    assert windows / alarms >= threshold


def test_a_change_stands_until_it_is_over() -> None:
    found = follow(np.random.default_rng(3), [0.0] * 30 + [0.5] * 25 + [0.0] * 30)
    standing = [at for at, one in enumerate(found) if one.since_ms is not None]
    assert standing == list(range(30, 55))
    assert [one.since_ms for one in found[30:55]] == [30] * 25
    assert [at for at, one in enumerate(found) if one.is_alarm] == [30]
    assert found[40].moved == pytest.approx(0.19, abs=0.02)


def test_a_second_change_is_an_alarm_of_the_same_standing_change() -> None:
    found = follow(np.random.default_rng(4), [0.0] * 20 + [0.3] * 20 + [1.0] * 10)
    assert [at for at, one in enumerate(found) if one.is_alarm] == [20, 40]
    assert found[-1].since_ms == 20
    assert found[-1].moved == pytest.approx(0.38, abs=0.02)


def test_a_wrong_alarm_ends_when_its_evidence_is_gone() -> None:
    wrong = []
    for seed in range(60):
        found = follow(np.random.default_rng(seed), [0.0] * 120, rows=100, threshold=math.log(20.0))
        if any(one.is_alarm for one in found[:40]):
            wrong.append(found)
    assert wrong
    assert np.mean([one[-1].since_ms is None for one in wrong]) > 0.5


def test_a_wrong_alarm_is_clear_for_some_windows_only_and_a_right_one_until_it_is_over() -> None:
    scores, _ = normal_scores(np.random.default_rng(1))
    location = np.eye(scores.width)[0]
    state, found = State.begin(REFERENCE_ROWS, scores.width), []
    for at, mean in enumerate([0.0] * 20 + [0.19] + [0.0] * 10):
        window = Level(1_000, 1_000 * mean * location)
        state, evidence = step(state, scores, window, at, A_QUARTER_OF_A_BUDGET)
        found.append(evidence)
    standing = [at for at, one in enumerate(found) if one.since_ms is not None]
    assert [at for at, one in enumerate(found) if one.is_clear] == [20]
    assert len(standing) > 1
    assert standing[0] == 20
    found = follow(np.random.default_rng(3), [0.0] * 30 + [0.2] * 15)
    assert all(one.is_clear for one in found if one.since_ms is not None)
    assert found[-1].is_clear


def test_what_a_reference_that_is_off_by_chance_keeps_evident_is_not_clear_for_long() -> None:
    """Each window differs from the reference by five of its standard errors and a half."""
    scores, _ = normal_scores(np.random.default_rng(1))
    window = Level(1_000, 1_000 * 0.055 * np.eye(scores.width)[0])
    state, found = State.begin(REFERENCE_ROWS, scores.width), []
    for at in range(150):
        state, evidence = step(state, scores, window, at, A_QUARTER_OF_A_BUDGET)
        found.append(evidence)
    clear = [at for at, one in enumerate(found) if one.is_clear]
    assert clear == list(range(clear[0], clear[-1] + 1))
    assert clear[-1] < 140
    assert found[-1].since_ms is not None


def test_a_change_of_spread_alone_is_seen() -> None:
    rng = np.random.default_rng(9)
    scores, grid = normal_scores(rng)
    state = State.begin(REFERENCE_ROWS, scores.width)
    alarms = []
    for at in range(40):
        values = rng.normal(size=1_000) * (1.2 if at >= 30 else 1.0)
        counts = count_numeric(grid, Column(values))  # type: ignore[arg-type]
        state, evidence = step(state, scores, Level(1_000, scores.sums(counts)), at, A_QUARTER_OF_A_BUDGET)
        alarms += [at] if evidence.is_alarm else []
    assert alarms[0] in {30, 31}


def test_few_rows_are_no_evidence_and_empty_windows_change_nothing() -> None:
    scores, _ = normal_scores(np.random.default_rng(1))
    state = State.begin(REFERENCE_ROWS, scores.width)
    extreme = Level(5, 5 * scores.matrix[-1])
    state, evidence = step(state, scores, extreme, 0, 0.0)
    assert evidence.log_e == -math.inf
    assert not evidence.is_alarm
    later, evidence = step(state, scores, Level.empty(scores.width), 1, 0.0)
    assert later.seen.rows == 5
    assert not evidence.is_alarm


def test_candidates_grow_with_the_logarithm_of_the_windows() -> None:
    scores, _ = normal_scores(np.random.default_rng(1))
    state = State.begin(REFERENCE_ROWS, scores.width)
    for at in range(3_000):
        state, _ = step(state, scores, Level(100, np.zeros(scores.width)), at, 1e9)
    assert len(state.candidates) <= KEPT * (2 + math.log2(3_000 / KEPT))
    assert state.candidates.numbers[-KEPT:].tolist() == list(range(3_000 - KEPT, 3_000))


def test_a_state_comes_back_from_its_wire_form_and_goes_on_alike() -> None:
    rng = np.random.default_rng(2)
    scores, grid = normal_scores(rng)
    state = other = State.begin(REFERENCE_ROWS, scores.width)
    for at in range(50):
        shift = 0.5 if at > 30 else 0.0
        counts = count_numeric(grid, Column(rng.normal(shift, size=200)))  # type: ignore[arg-type]
        window = Level(200, scores.sums(counts))
        state, said = step(state, scores, window, at, 9.0)
        other, told = step(decode(encode(other), scores.width), scores, window, at, 9.0)
        assert said == told
    assert said.since_ms is not None


@pytest.mark.parametrize("data", [b"", b"\xc0", encode(State.begin(10.0, 4))])
def test_a_state_of_something_else_is_lost_and_says_so(data: bytes) -> None:
    with pytest.raises(StateLost, match=r"cannot be read|stored in version 1 for 4 scores"):
        decode(data, 12)
