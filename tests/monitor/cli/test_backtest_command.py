from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monitor.backfill import backfill, counted
from monitor.clock import ManualClock
from monitor.config import load
from monitor.references import stored
from tests.monitor.cli.worlds import Ran, World
from tests.monitor.worlds import HOUR_MS, NOW, START_MS, reference, training_frame

CONFIG = """
[kafka]
bootstrap_servers = ["127.0.0.1:1"]
[database]
url = "sqlite:///{folder}/driftd.sqlite"
[models.loans]
topics = ["predictions"]
windows_up_to = "4h"
"""
STRETCH = ("--model", "loans", "--from", "2026-01-01", "--to", "2026-01-03")


@pytest.fixture
def loans(world: World) -> World:
    """Forty hours of a hundred rows; for five of them everybody is eight years older."""
    world.configure(CONFIG)
    rows = training_frame(4_000, seed=5)
    hours = np.arange(len(rows)) // 100
    rows["timestamp"] = START_MS + np.arange(len(rows)) * (HOUR_MS // 100)
    rows["age"] += np.where((hours >= 20) & (hours < 25), 8.0, 0.0)
    config = load(world.folder / "config.toml", {}).config
    world.store.add_reference(stored(reference(), active=True))
    fields = config.models["loans"].fields.resolved("loans")
    windows = counted(pd.DataFrame(rows), fields, reference(), HOUR_MS)
    backfill(config, "loans", reference(), windows, world.store, ManualClock(NOW), "rows")
    return world


def changed(world: World, *lines: str) -> Path:
    path = world.folder / "changed.toml"
    path.write_text((CONFIG + "\n".join(lines)).format(folder=world.folder))
    return path


def run(world: World, path: Path, *arguments: str) -> Ran:
    return world.run_bare("backtest", str(path), *STRETCH, *arguments)


def test_the_same_settings_raise_the_same_alarms(loans: World) -> None:
    told = run(loans, changed(loans), "--json").json
    assert told["windows"] == 40
    assert told["left_out"] == 0
    assert told["alarms"]
    assert {each["raised"] for each in told["alarms"]} == {"both"}
    fired = loans.store.view("alert_history", newest_first=False)
    assert [each["fired_at"] for each in told["alarms"]] == [
        row["fired_at"].isoformat()
        for row in sorted(fired, key=lambda row: (row["fired_at"], row["feature"]))
    ]


def test_a_larger_least_effect_lets_an_alarm_go(loans: World) -> None:
    ran = run(loans, changed(loans, "min_effect = 0.9"))
    assert "alarms: 0 with these settings" in ran.out
    assert next(line for line in ran.out.splitlines() if " age " in line).startswith("gone")


def test_a_larger_budget_raises_new_alarms(loans: World) -> None:
    told = run(loans, changed(loans, 'false_alarms = "20 per 1h"', "min_effect = 0.0"), "--json").json
    assert "new" in {each["raised"] for each in told["alarms"]}


def test_nothing_of_a_backtest_stays(loans: World) -> None:
    before = loans.store.view("drift_history"), loans.store.view("alert_history")
    run(loans, changed(loans, "min_effect = 0.9"))
    assert (loans.store.view("drift_history"), loans.store.view("alert_history")) == before


def test_another_length_of_windows_is_refused(loans: World) -> None:
    ran = run(loans, changed(loans, 'window = "30m"'))
    assert ran.code == 1
    assert "are 3600 s long, window is 1800 s now: stored counts cannot be cut anew" in ran.err


def test_a_stretch_without_windows_fails(loans: World) -> None:
    ran = loans.run_bare(
        "backtest", str(changed(loans)), "--model", "loans", "--from", "2025-01-01", "--to", "2025-02-01"
    )
    assert ran.code == 1
    assert "no judged window there with counts on reference" in ran.err
