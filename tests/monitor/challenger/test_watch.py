from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.challenger.watch import AbstentionWatch, Rise, best_split

BEFORE, AFTER = 0.3, 0.5  # of ten members


def shares(mean: float, rows: int, seed: int = 1) -> list[float]:
    return [float(share) for share in np.random.default_rng(seed).binomial(10, mean, rows) / 10]


def stepped(watch: AbstentionWatch, values: list[float], first_ms: int = 0) -> list[Rise]:
    rises = (watch.step(first_ms + at, value) for at, value in enumerate(values))
    return [rise for rise in rises if rise is not None]


def test_a_rise_is_told_with_its_time_and_both_levels() -> None:
    (rise,) = stepped(AbstentionWatch(), shares(BEFORE, 1_000) + shares(AFTER, 300, seed=2))
    assert 1_000 < rise.noticed_ms < 1_200
    assert abs(rise.changed_ms - 1_000) < 30
    assert rise.noticed_ms - rise.changed_ms == rise.rows_since - 1
    assert rise.before == pytest.approx(BEFORE, abs=0.03)
    assert rise.after == pytest.approx(AFTER, abs=0.1)


def test_members_that_become_surer_are_no_warning() -> None:
    assert not stepped(AbstentionWatch(), shares(AFTER, 1_000) + shares(BEFORE, 1_000, seed=2))


def test_a_rise_too_small_to_matter_is_no_warning() -> None:
    """ADWIN alone finds one member in a hundred, given enough rows."""
    assert not stepped(AbstentionWatch(), [0.1] * 3_000 + [0.11] * 3_000)
    assert stepped(AbstentionWatch(), [0.1] * 3_000 + [0.13] * 3_000)


def test_one_rise_is_told_once_and_the_next_one_again() -> None:
    values = shares(0.2, 1_000) + shares(0.4, 2_000, seed=2) + shares(0.7, 1_000, seed=3)
    first, second = stepped(AbstentionWatch(), values)
    assert abs(first.changed_ms - 1_000) < 30
    assert abs(second.changed_ms - 3_000) < 30


@given(st.lists(st.integers(0, 10), min_size=2, max_size=60))
def test_the_best_split_leaves_the_least_squares(tenths: list[int]) -> None:
    values = np.array(tenths) / 10

    def squares(at: int) -> float:
        parts = values[:at], values[at:]
        return float(sum(((part - part.mean()) ** 2).sum() for part in parts))

    assert squares(best_split(values)) <= min(map(squares, range(1, len(values)))) + 1e-9


def test_stationary_shares_give_no_warning_in_most_streams() -> None:
    """At most one of 20 streams of 3,000 rows; ADWIN's delta of 0.002 makes it rarer than that."""
    assert sum(bool(stepped(AbstentionWatch(), shares(BEFORE, 3_000, seed))) for seed in range(20)) <= 1


def test_what_is_no_number_is_left_out() -> None:
    watch = AbstentionWatch()
    for value in shares(BEFORE, 1_000):
        assert watch.step(0, value) is None
        assert watch.step(0, float("nan")) is None
    assert stepped(watch, shares(AFTER, 300, seed=2))


def test_a_pickled_watch_goes_on() -> None:
    watch = AbstentionWatch()
    stepped(watch, shares(BEFORE, 1_000))
    copy = pickle.loads(pickle.dumps(watch))  # noqa: S301  # our own
    rest = shares(AFTER, 300, seed=2)
    assert stepped(copy, rest, 1_000) == stepped(watch, rest, 1_000) != []
