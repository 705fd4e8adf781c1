"""Windows against their own hours of the reference: scipy on the raw rows of these hours is the oracle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, ks_2samp

from detectors import seasonal
from detectors.catalogue import detector
from detectors.dependence import value_directions
from detectors.frames import columns_from_frame
from detectors.profile import Profile, decode_parts, encode_parts, summarise
from detectors.reference import Reference
from detectors.reference_wire import decode, encode
from detectors.result import TestResult
from detectors.season import Hours, placed
from tests.detectors.conftest import reference_of

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MONDAY_MS = 1_767_571_200_000  # 2026-01-05
Times = NDArray[np.int64]
Make = Callable[..., Reference]


def stream(times_ms: Times, seed: int, wander: float = 0.0) -> pd.DataFrame:
    """A number that swings by a standard deviation each day, and a text of which one is rare at night."""
    rng = np.random.default_rng(seed)
    hours, _ = placed(times_ms, Hours.OF_DAY, "UTC")
    level = np.sin(2 * np.pi * hours / 24)
    if wander:
        of_hour = np.unique(times_ms // HOUR_MS, return_inverse=True)[1]
        level = level + rng.normal(0.0, wander, of_hour.max() + 1)[of_hour]
    is_rare = rng.random(len(times_ms)) < np.where(hours < 8, 0.05, 0.4)
    return pd.DataFrame(
        {
            "x": rng.normal(level).round(3),
            "kind": np.where(is_rare, "b", rng.choice(["a", "c"], len(times_ms))),
        }
    )


def evenly(days: int, per_hour: int, start_ms: int = MONDAY_MS) -> Times:
    return start_ms + np.arange(days * 24 * per_hour) * HOUR_MS // per_hour


TIMES = evenly(10, 60)
ROWS = stream(TIMES, 1)
HOURS = placed(TIMES, Hours.OF_DAY, "UTC")[0]


def known(times_ms: Times = TIMES, rows: pd.DataFrame = ROWS, **given: Any) -> Reference:
    more: dict[str, Any] = {
        "times_ms": times_ms,
        "window_ms": HOUR_MS,
        "grid_size": 1_000_000,
        "season": Hours.OF_DAY,
    } | given
    return reference_of(rows, **more)


REFERENCE = known()


def window(times_ms: Times, seed: int) -> tuple[pd.DataFrame, Profile]:
    rows = stream(times_ms, seed)
    return rows, summarise(REFERENCE, columns_from_frame(rows, REFERENCE.dictionary), times_ms=times_ms)


def compared(profile: Profile, name: str, kind: str, reference: Reference = REFERENCE) -> TestResult:
    expected, grid = reference.in_season(profile), reference.grids[name]
    return detector(kind).compare(expected.profile.counts[name], profile.counts[name], grid)


@pytest.mark.parametrize("hour", [0, 7, 12, 23])
def test_an_hour_is_compared_with_the_rows_of_the_same_hours(hour: int) -> None:
    rows, profile = window(evenly(1, 300, MONDAY_MS + 20 * DAY_MS)[hour * 300 : (hour + 1) * 300], hour)
    before = ROWS[hour == HOURS]
    oracle = ks_2samp(before["x"], rows["x"], method="exact")
    found = compared(profile, "x", "ks")
    assert found.statistic == pytest.approx(oracle.statistic, abs=1e-12)
    assert found.p_value == pytest.approx(oracle.pvalue, rel=1e-9)
    assert found.n_reference == 600
    table = [part["kind"].value_counts().sort_index() for part in (before, rows)]
    of_kinds = compared(profile, "kind", "chi2")
    assert of_kinds.p_value == pytest.approx(chi2_contingency(table, correction=False).pvalue, rel=1e-9)


@pytest.mark.parametrize(("first", "hours"), [(2, 2), (8, 8), (0, 24)])
def test_longer_windows_are_compared_with_the_rows_of_all_their_hours(first: int, hours: int) -> None:
    there = slice(first * 90, (first + hours) * 90)
    rows, profile = window(evenly(1, 90, MONDAY_MS + 20 * DAY_MS)[there], 3)
    before = ROWS["x"][(first <= HOURS) & (first + hours > HOURS)]
    oracle = ks_2samp(before, rows["x"], method="exact" if hours == 2 else "asymp")
    found = compared(profile, "x", "ks")
    assert (found.n_reference, found.n_current) == (600 * hours, 90 * hours)
    assert found.statistic == pytest.approx(oracle.statistic, abs=1e-12)
    assert found.p_value == pytest.approx(oracle.pvalue, rel=1e-9)


def test_hours_with_more_rows_weigh_more_and_the_reference_is_taken_for_no_larger_than_it_is_there() -> None:
    day = evenly(1, 90, MONDAY_MS + 20 * DAY_MS)
    times_ms = np.concatenate([day[:90], day[90:120], day[12 * 90 : 12 * 90 + 45]])
    rows, profile = window(times_ms, 4)
    points = np.unique(np.concatenate([ROWS["x"], rows["x"]]))
    shares = [
        ROWS["x"][hour == HOURS].sort_values().searchsorted(points, "right") / 600 * weight
        for hour, weight in ((0, 90 / 165), (1, 30 / 165), (12, 45 / 165))
    ]
    now = np.sort(rows["x"]).searchsorted(points, "right") / len(rows)
    found = compared(profile, "x", "ks")
    assert found.n_reference == round(165 * 600 / 90)
    assert found.statistic == pytest.approx(np.abs(np.sum(shares, axis=0) - now).max(), abs=0.5 / 1_100)


def test_without_the_times_of_all_rows_the_whole_reference_is_what_counts() -> None:
    rows, profile = window(evenly(1, 300)[:300], 5)
    blind = summarise(REFERENCE, columns_from_frame(rows, REFERENCE.dictionary))
    assert profile.season_rows == (300, *[0] * 23)
    for one in (blind, profile.merge(blind)):
        assert REFERENCE.in_season(one) is REFERENCE
    plain = replace(REFERENCE, seasonal=None)
    assert plain.in_season(profile) is plain


def test_a_window_without_rows_is_compared_with_nothing() -> None:
    assert compared(Profile.empty(REFERENCE), "x", "ks").p_value is None


def test_a_cycle_is_no_dependence_once_windows_are_compared_with_their_own_hours() -> None:
    assert max(REFERENCE.longer_effects["x"]) > 20.0
    assert REFERENCE.by_season().lasting_effect("x") == 1.0
    assert REFERENCE.by_season().lasting_effect("kind") == 1.0


def test_hours_that_wander_beside_the_cycle_still_count_as_dependence() -> None:
    """60 rows with a common term of a variance of .04: a design effect of 3.4, known to a third."""
    found = [known(rows=stream(TIMES, seed, wander=0.2)).by_season().effect_of("x") for seed in range(6)]
    assert np.median(found) == pytest.approx(3.4, rel=0.45)


def test_few_days_do_not_make_hours_look_more_alike_than_they_are() -> None:
    """Of four days a mean is taken out: three quarters of the variance would be left."""
    times_ms = evenly(4, 60)
    parts = placed(times_ms, Hours.OF_DAY, "UTC")[0]
    found = []
    for seed in range(30):
        rows = stream(times_ms, seed, wander=0.5)
        whole = reference_of(rows)
        column = columns_from_frame(rows, whole.dictionary)["x"]
        of = value_directions(whole.profile.counts["x"], whole.grids["x"], column)
        found.append(seasonal.effects_within(of, parts, times_ms, HOUR_MS, Hours.OF_DAY)[0])
    assert np.mean(found) == pytest.approx((60 * 0.25 + 1) / (0.25 + 1), rel=0.12)


def test_hours_with_few_rows_are_put_together() -> None:
    awake = (HOURS >= 6) | (TIMES // 60_000 % 10 == 0)  # a tenth of the rows before 6 o'clock: 60 an hour
    few = known(TIMES[awake], ROWS[awake].reset_index(drop=True))
    assert few.season is not None
    assert few.season.parts[:8] == (0, 0, 0, 0, 1, 1, 1, 2)
    assert few.seasonal is not None
    assert min(few.seasonal.rows) >= seasonal.LEAST_ROWS
    assert few.seasonal.weights([rows // 10 for rows in few.seasonal.rows]) == (1.0,) * few.season.size


@pytest.mark.parametrize(
    ("hours", "days", "per_hour", "said"),
    [
        (
            Hours.OF_DAY,
            2,
            60,
            "from 3 different days, these are of 2.0 days: give rows of a longer time, or leave",
        ),
        (Hours.OF_WEEK, 10, 60, 'different weeks, these are of 10.0 days.*or season = "hour_of_day"'),
        (Hours.OF_WEEK, 28, 0.5, "336 rows are too few for parts of 200 rows from 3 different weeks"),
    ],
)
def test_too_few_rows_for_a_season_are_said_with_the_way_out(
    hours: Hours, days: int, per_hour: float, said: str
) -> None:
    times_ms = MONDAY_MS + np.arange(int(days * 24 * per_hour)) * int(HOUR_MS / per_hour)
    with pytest.raises(ValueError, match=said):
        known(times_ms, stream(times_ms, 1), season=hours)


def test_a_season_needs_timestamps() -> None:
    with pytest.raises(ValueError, match="needs rows with timestamps"):
        known(times_ms=None)  # type: ignore[arg-type]


def test_a_season_that_takes_too_much_room_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seasonal, "MOST_CELLS", 1_000)
    with pytest.raises(
        ValueError, match=r"24 parts of 2 features have .* more than 1,000: take a smaller grid_size"
    ):
        known()


def test_it_is_stored_with_the_reference_and_is_part_of_what_it_is() -> None:
    again = decode(encode(REFERENCE))
    assert again == REFERENCE
    _, profile = window(evenly(1, 300)[:300], 6)
    assert again.in_season(profile) == REFERENCE.in_season(profile)
    assert decode_parts(encode_parts(profile), again) == profile
    ids = {REFERENCE.id, known().id, known(season=None).id, known(zone="Europe/Berlin").id}
    assert len(ids) == 3


def test_references_that_were_stored_before_there_were_seasons_are_read() -> None:
    version, stored = msgspec.msgpack.decode(encode(known(season=None)))
    del stored["seasonal"]
    old = decode(msgspec.msgpack.encode((version, stored)))
    assert old == known(season=None)
    _, profile = window(evenly(1, 300)[:300], 7)
    assert decode_parts(encode_parts(profile), old) == replace(profile, season_rows=None)
