"""A small version of `make bench-calibration`: false alarms and delays, by the service's tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from msgspec.structs import replace as replace_fields

from bench.calibration import judging
from bench.calibration.__main__ import INDEPENDENT, SETTINGS, WORLDS, alarming, delays, upper
from bench.calibration.judging import Alarm, Shift, follow
from bench.calibration.streams import World
from monitor.config.model import Model

SMALL = replace(
    INDEPENDENT, numeric=4, categorical=1, rows=200, windows=64, reference_windows=50, grid_size=64
)


def saying(world: World, streams: int, *, is_calibrated: bool = True) -> np.ndarray:
    alarms = (follow(world, SETTINGS, seed, is_calibrated=is_calibrated) for seed in range(streams))
    return np.array([alarming(each)[0] for each in alarms], float)


def test_independent_streams_keep_the_budget() -> None:
    found = saying(SMALL, 40)
    assert upper(found) <= 0.6 * SMALL.windows / 500 + 3 / 40


def test_autocorrelated_streams_break_the_budget_without_calibration_and_keep_it_with() -> None:
    world = replace(SMALL, per_row=0.6)
    assert saying(world, 12, is_calibrated=False).mean() > 0.5
    assert saying(world, 40).mean() <= 2 * SMALL.windows / 1_000


@pytest.mark.parametrize("change", [{"cycle": 0.5}, {"wander": 0.2}])
def test_streams_with_a_cycle_or_wandering_means_do_too(change: dict[str, float]) -> None:
    world = replace(SMALL, reference_windows=24 * 10, **change)  # type: ignore[arg-type]
    assert saying(world, 4, is_calibrated=False).mean() > 10
    assert saying(world, 16).mean() <= 2 * SMALL.windows / 1_000


@pytest.mark.parametrize(("size", "windows"), [(0.25, 1.0), (0.1, 3.0)])
def test_shifts_are_seen_as_soon_as_promised(size: float, windows: float) -> None:
    world = replace(INDEPENDENT, windows=70, numeric=3, categorical=0)
    found = delays(world, Shift(60, size), range(15))
    assert np.median(found) <= windows


def test_what_is_passed_over_as_far_from_an_alarm_never_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    shift = Shift(30, 0.15)
    fast = [follow(SMALL, SETTINGS, seed, shift) for seed in range(6)]
    monkeypatch.setattr(judging, "MARGIN", 1e12)
    monkeypatch.setattr(judging, "_highest", lambda *_: np.inf)
    assert [follow(SMALL, SETTINGS, seed, shift) for seed in range(6)] == fast
    assert any(fast)


def test_alarming_windows_are_counted_once_and_new_ones_by_feature() -> None:
    alarms = [Alarm(3, "a", "ks", 1), Alarm(3, "b", "ks", 2), Alarm(4, "a", "ks", 1), Alarm(9, "a", "ks", 1)]
    assert alarming(alarms) == (3, 2)


def test_every_world_of_the_bench_says_what_it_allows() -> None:
    assert [allowed for _, allowed, _ in WORLDS] == [1.0, 2.0, 2.0, 2.0]


@pytest.mark.parametrize("numeric", [3, 0])
def test_in_windows_of_200_000_rows_only_what_matters_is_drift(numeric: int) -> None:
    """By default settings, a shift of 0.01 standard deviations and one that moves two percent of the rows."""
    world = World("large", numeric=numeric, categorical=2, rows=200_000, reference_windows=1, windows=16)
    defaults = replace_fields(SETTINGS, false_alarms="1 per 90d", min_effect=Model(topics=("t",)).min_effect)
    two_percent = 0.0501 if numeric else 0.0521
    for seed in range(2):
        assert not follow(world, defaults, seed, Shift(8, 0.01))
        found = {
            one.feature: one.window for one in reversed(follow(world, defaults, seed, Shift(8, two_percent)))
        }
        assert found == {"f00": 8}
