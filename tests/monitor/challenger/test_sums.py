from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from monitor.challenger import sums
from monitor.challenger.sums import Windows, WindowSums

Pairs = list[tuple[bool, bool]]


def counted(pairs: Pairs) -> WindowSums:
    window = WindowSums(0)
    for production, challenger in pairs:
        window.compare(is_production_wrong=production, is_challenger_wrong=challenger)
    return window


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=200))
def test_the_interval_is_the_normal_one_of_the_mean_difference(pairs: Pairs) -> None:
    differences = np.array([challenger - production for production, challenger in np.array(pairs, int)])
    found = counted(pairs).difference()
    assert found.value == pytest.approx(differences.mean())
    if differences.std():
        half = norm.ppf(0.975) * differences.std(ddof=1) / math.sqrt(len(differences))
        assert found.low == pytest.approx(max(-1, differences.mean() - half), abs=1e-9)
        assert found.high == pytest.approx(min(1, differences.mean() + half), abs=1e-9)
    assert -1 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize(
    ("pair", "rows", "expected"),
    [
        ((False, False), 300, (0.0, -0.01, 0.01)),  # the rule of three: at most 3 in 300 are otherwise
        ((True, True), 300, (0.0, -0.01, 0.01)),
        ((True, False), 300, (-1.0, -1.0, -0.98)),  # and these may differ by 2
        ((False, True), 300, (1.0, 0.98, 1.0)),
        ((False, False), 1, (0.0, -1.0, 1.0)),
        ((True, False), 1, (-1.0, -1.0, 1.0)),
    ],
)
def test_equal_rows_do_not_make_the_interval_a_point(
    pair: tuple[bool, bool], rows: int, expected: tuple[float, ...]
) -> None:
    assert counted([pair] * rows).difference() == pytest.approx(expected)


def test_without_rows_there_is_no_difference() -> None:
    assert all(map(math.isnan, WindowSums(0).difference()))
    assert WindowSums(0).abstention_share is None


def test_the_interval_covers_the_true_difference_at_its_rate() -> None:
    """95 % wanted; 2,000 windows of 400 rows measure that to within 4 deviations of 0.5 points."""
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(2_000):
        # -1 with 9 %, 1 with 4 %: the challenger is better by 5 points
        minus, plus, _ = rng.multinomial(400, (0.09, 0.04, 0.87))
        window = WindowSums(0, 400, int(minus) + 20, int(plus) + 20, int(minus + plus))
        low, high = window.difference()[1:]
        covered += low <= -0.05 <= high
    assert 0.93 <= covered / 2_000 <= 0.97


def test_rows_go_to_the_window_of_their_time() -> None:
    windows = Windows(100)
    for time_ms in (250, 199, -1, 200):
        found = windows.of_time(time_ms)
        assert found is not None
        found.rows += 1
    assert [(each.start_ms, each.rows) for each in windows.all()] == [(-100, 1), (100, 1), (200, 2)]


def test_changed_windows_are_told_once() -> None:
    windows = Windows(100)
    windows.of_time(1)
    windows.of_time(301)
    assert [each.start_ms for each in windows.changed()] == [0, 300]
    assert windows.changed() == ()
    windows.of_time(1)
    assert [each.start_ms for each in windows.changed()] == [0]


def test_the_oldest_window_goes_and_is_not_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "MOST_WINDOWS", 2)
    windows = Windows(100)
    for time_ms in (100, 300, 200):
        windows.of_time(time_ms)
    assert [each.start_ms for each in windows.all()] == [200, 300]
    assert windows.of_time(150) is None
    assert windows.of_time(250) is not None
    assert [each.start_ms for each in windows.changed()] == [200, 300]


def test_of_two_counts_of_a_window_the_larger_one_is_taken_over() -> None:
    windows = Windows(100)
    windows.replace([WindowSums(0, rows=5, production_errors=2, shed_rows=9), WindowSums(100, rows=3)])
    windows.replace([WindowSums(0, rows=4, shed_rows=10), WindowSums(100, rows=7, challenger_errors=1)])
    assert windows.all() == (
        WindowSums(0, rows=5, production_errors=2, shed_rows=10),
        WindowSums(100, rows=7, challenger_errors=1),
    )


def test_windows_add_up() -> None:
    total = WindowSums(5, 1, 2, 3, 4, 5, 0.5, 7)
    total.add(WindowSums(9, 10, 20, 30, 40, 50, 0.25, 70))
    assert total == WindowSums(5, 11, 22, 33, 44, 55, 0.75, 77)
