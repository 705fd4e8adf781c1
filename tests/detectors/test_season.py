"""Hours on the clocks of a zone against pandas, and the parts that hours make."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.season import Hours, Season, decode, encode, is_zone, merged, parted, placed

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
MOMENTS = st.integers(0, 4_000_000_000_000)


@given(st.lists(MOMENTS, max_size=20), st.sampled_from(ZONES))
def test_hours_are_those_of_the_zone_summer_time_included(times_ms: list[int], zone: str) -> None:
    times = np.array(times_ms, np.int64)
    stamps = pd.to_datetime(times, unit="ms", utc=True).tz_convert(zone)
    assert placed(times, Hours.OF_DAY, zone)[0].tolist() == list(stamps.hour)
    assert placed(times, Hours.OF_WEEK, zone)[0].tolist() == list(stamps.day_of_week * 24 + stamps.hour)


def test_the_number_of_a_cycle_changes_at_midnight_of_the_zone() -> None:
    midnight = int(pd.Timestamp("2026-03-02", tz="Europe/Berlin").timestamp() * 1000)  # a Monday
    times = np.array([midnight - 1, midnight])
    for hours in Hours:
        of, number = placed(times, hours, "Europe/Berlin")
        assert of.tolist() == [hours.number - 1, 0]
        assert number[1] == number[0] + 1


def test_times_far_beyond_any_calendar_have_an_hour_too() -> None:
    times = np.array([-(10**17), 10**17])
    assert ((placed(times, Hours.OF_WEEK, "Europe/Berlin")[0] >= 0) < 168).all()


ROWS = st.lists(st.integers(0, 30), min_size=24, max_size=24)


@given(ROWS, st.integers(1, 60))
def test_every_part_has_enough_rows_and_its_hours_follow_each_other(rows: list[int], least: int) -> None:
    parts = parted(np.array(rows), np.full(24, 9), least, 3)
    assert parts[0] == 0
    assert set(np.diff(parts)) <= {0, 1}
    of_part = np.bincount(parts, rows)
    assert (of_part >= least).all() or len(of_part) == 1


def test_hours_that_have_enough_stand_alone_and_others_join_those_after_them() -> None:
    rows = np.array([9, 2, 2, 9, 9, 1])
    assert parted(rows, np.full(6, 3), 4, 3) == (0, 1, 1, 2, 3, 3)


def test_an_hour_of_too_few_days_joins_others_however_many_rows_it_has() -> None:
    assert parted(np.array([9, 900, 9, 9]), np.array([3, 1, 3, 3]), 4, 3) == (0, 1, 1, 2)


def test_rows_in_parts_add_up_and_are_unknown_once_they_are_of_a_side() -> None:
    assert merged((1, 2), (3, 4)) == (4, 6)
    assert merged((1, 2), None) is merged(None, (1, 2)) is None


def test_rows_in_parts_are_stored_and_refused_for_another_season() -> None:
    season = Season(Hours.OF_DAY, "UTC", tuple(range(24)))
    rows = season.rows_of(np.array([0, 1, 3_600_000]))
    assert rows[:3] == (2, 1, 0)
    assert decode(encode(rows), season) == rows
    with pytest.raises(ValueError, match="have 24 parts of a season, the reference has 1"):
        decode(encode(rows), Season(Hours.OF_DAY, "UTC", (0,) * 24))


@pytest.mark.parametrize(
    ("name", "known"), [("Europe/Lisbon", True), ("Lisbon", False), ("", False), ("../x", False)]
)
def test_zones_are_known_by_their_names(name: str, known: bool) -> None:
    assert is_zone(name) is known
