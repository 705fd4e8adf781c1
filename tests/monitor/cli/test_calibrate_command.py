"""`driftd calibrate` on rows that are independent, autocorrelated, and of a daily cycle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter

from tests.monitor.cli.worlds import CONFIG, World

PER_HOUR, DAYS = 60, 5
SEASONAL = CONFIG.replace(
    'topics = ["predictions"]',
    'topics = ["predictions"]\nseason = "hour_of_day"\ntime_zone = "Europe/Lisbon"',
)


def training(folder: Path, days: int = DAYS, *, timed: bool = True) -> Path:
    rng = np.random.default_rng(11)
    rows = PER_HOUR * 24 * days
    hour = np.arange(rows) // PER_HOUR
    frame = pd.DataFrame(
        {
            "plain": rng.normal(size=rows),
            "sticky": lfilter([1.0], [1.0, -0.9], rng.normal(size=rows)),
            "daily": rng.normal(size=rows) + 0.8 * np.sin(2 * np.pi * hour / 24),
            "plan": rng.choice(["basic", "pro"], rows),
            "prediction": rng.integers(0, 2, rows),
        }
    )
    if timed:
        started = pd.Timestamp("2026-01-05", tz="UTC")
        frame.insert(0, "timestamp", started + pd.to_timedelta(np.arange(rows) * 3600 / PER_HOUR, unit="s"))
    file = folder / "training.parquet"
    frame.to_parquet(file)
    return file


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return training(tmp_path_factory.mktemp("rows"))


def test_features_that_break_the_assumption_are_named_and_calibration_mends_them(
    world: World, file: Path
) -> None:
    told = world.run("calibrate", "churn", str(file), "--json").json
    features = {one["feature"]: one for one in told["features"]}
    assert {name for name, one in features.items() if not one["independent"]} == {"sticky", "daily"}
    assert features["daily"]["cycle"]["name"] == "day"
    assert features["sticky"]["cycle"] is None
    assert features["sticky"]["design_effect"] > 10
    assert min(features[name]["plain"] for name in ("sticky", "daily")) > 0.2
    assert max(one["calibrated"] for one in features.values()) < 0.04
    assert told["plain"] > 20
    assert told["calibrated"] == 0
    assert told["windows"] == 24 * DAYS
    assert told["stretches"] == 120 + 60 + 30 + 15 + 8 + 5


def test_the_table_fits_eighty_columns_and_says_what_to_do(world: World, file: Path) -> None:
    out = world.run("calibrate", "churn", str(file)).out
    assert max(map(len, out.splitlines()[1:7])) <= 80
    (daily,) = [line for line in out.splitlines() if line.startswith("daily  ")]
    assert "day (" in daily
    assert "rows are not independent: sticky, daily" in out
    (way,) = [line for line in out.splitlines() if "cycle:" in line]
    assert way.startswith('daily has a daily cycle: season = "hour_of_day" would compare windows with their')
    assert "with a design effect of 1.0 instead of " in way
    assert not world.run("reference", "list", "--json").json


def test_with_a_season_the_cycle_is_gone_and_the_reference_says_how_its_hours_are_parted(
    world: World, file: Path
) -> None:
    world.configure(SEASONAL)
    out = world.run("calibrate", "churn", str(file)).out
    (daily,) = [line for line in out.splitlines() if line.startswith("daily ")]
    assert daily.split()[1:3] == ["1.0", "1.0"]
    assert "rows are not independent: sticky\n" in out
    built = world.run("reference", "build", "churn", str(file)).out
    said = "season: hour_of_day in Europe/Lisbon, 24 hours in 24 parts of 300 rows or more"
    assert said in built
    assert said in world.run("reference", "show", "churn").out


def test_rows_of_too_few_days_for_a_season_are_told_so(world: World, tmp_path: Path) -> None:
    file = training(tmp_path, 2)
    world.configure(SEASONAL)
    ran = world.run("reference", "build", "churn", str(file))
    assert ran.code == 1
    assert 'season = "hour_of_day" needs rows from 3 different days, these are of 2.0 days' in ran.err


def test_rows_without_times_or_with_few_windows_are_refused_with_the_way_out(
    world: World, tmp_path: Path
) -> None:
    ran = world.run("calibrate", "churn", str(training(tmp_path, 1, timed=False)))
    assert ran.code == 1
    assert "no column has timestamps (fields.timestamp)" in ran.err
    frame = pd.read_parquet(training(tmp_path, 1))
    few = tmp_path / "few.parquet"
    frame.iloc[: 3 * PER_HOUR].to_parquet(few)
    ran = world.run("calibrate", "churn", str(few))
    assert ran.code == 1
    assert "has 3 windows of 1h, at least 5 are needed" in ran.err
