from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from monitor.backfill import backfill, counted
from monitor.clock import ManualClock
from monitor.config import load
from monitor.references import stored
from tests.monitor.cli.worlds import World
from tests.monitor.worlds import HOUR_MS, NOW, START_MS, reference, training_frame

CONFIG = """
[kafka]
bootstrap_servers = ["127.0.0.1:1"]
[database]
url = "sqlite:///{folder}/driftd.sqlite"
[models.loans]
topics = ["predictions"]
"""


@pytest.fixture
def loans(world: World) -> World:
    """Twenty hours of a hundred rows; in the last ten everybody is 20 years older."""
    world.configure(CONFIG)
    rows = training_frame(2_000, seed=5)
    rows["timestamp"] = START_MS + np.arange(len(rows)) * (HOUR_MS // 100)
    rows["age"] += np.where(np.arange(len(rows)) >= 1_000, 20.0, 0.0)
    config = load(world.folder / "config.toml", {}).config
    world.store.add_reference(stored(reference(), active=True))
    fields = config.models["loans"].fields.resolved("loans")
    windows = counted(pd.DataFrame(rows), fields, reference(), HOUR_MS)
    backfill(config, "loans", reference(), windows, world.store, ManualClock(NOW), "rows")
    return world


def test_a_stretch_is_compared_with_the_reference(loans: World) -> None:
    ran = loans.run("compare", "--model", "loans", "--from", "2026-01-01T10:00", "--to", "2026-01-01T20:00")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[:2] == [
        "loans: 2026-01-01 10:00 UTC to 2026-01-01 20:00 UTC (10 windows, 1,000 rows)",
        f"against reference {reference().id} (2,000 rows)",
    ]
    assert all(len(line) <= 80 for line in lines)
    age = next(line for line in lines if line.startswith("age"))
    assert "drift" in age
    assert "median" in age
    assert next(line for line in lines if line.startswith("country")).split()[1] == "ok"


def test_two_stretches_are_compared_for_machines(loans: World) -> None:
    ran = loans.run(
        "compare", "--model", "loans", "--from", "2026-01-01T10:00", "--to", "2026-01-01T20:00",
        "--against", "2026-01-01..2026-01-01T10:00", "--json",
    )  # fmt: skip
    told = ran.json
    assert told["against"] == {
        "from": "2026-01-01T00:00:00+00:00",
        "to": "2026-01-01T10:00:00+00:00",
        "windows": 10,
        "rows": 1_000,
    }
    verdicts = {each["feature"]: each["verdict"] for each in told["results"] if each["detector"] == "ks"}
    assert verdicts["age"] == "drift"
    assert verdicts["score"] == "ok"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "2026-01-02", "--to", "2026-01-01"), "--from 2026-01-02 is not before --to 2026-01-01"),
        (("--from", "yesterday"), '--from "yesterday" is no time'),
        (("--from", "2026-01-01", "--against", "2025"), '--against "2025" is no stretch: write FROM..TO'),
        (("--from", "2026-01-01", "--against", "2026-01-01..2026-01-02"), "the stretches share windows"),
    ],
)
def test_a_mistake_in_the_stretches_is_told(loans: World, arguments: tuple[str, ...], said: str) -> None:
    ran = loans.run("compare", "--model", "loans", *arguments)
    assert ran.code == 2
    assert said in ran.err.replace("\n", " ")


def test_a_stretch_without_windows_fails(loans: World) -> None:
    ran = loans.run("compare", "--model", "loans", "--from", "2027-01-01", "--to", "2027-01-02")
    assert ran.code == 1
    assert "no judged window between 2027-01-01 00:00 UTC and 2027-01-02 00:00 UTC" in ran.err


def test_an_unknown_model_is_named_with_the_nearest(loans: World) -> None:
    ran = loans.run("compare", "--model", "loan", "--from", "7d")
    assert ran.code == 2
    assert 'did you mean "loans"' in ran.err


def test_counts_that_are_gone_are_told(loans: World) -> None:
    far = datetime(2030, 1, 1, tzinfo=UTC)
    while loans.store.delete_older(None, far + timedelta(days=1), 5_000):
        pass
    ran = loans.run("compare", "--model", "loans", "--from", "2026-01-01", "--to", "2026-01-02")
    assert ran.code == 1
    assert "not kept any more (database.retention.counts)" in ran.err
