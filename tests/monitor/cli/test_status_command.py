from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.model import Severity, Status
from detectors.result import Verdict
from tests.monitor.cli.worlds import CONFIG, NOW_MS, World
from tests.monitor.store.rows import alert, closed, finding, reference, result

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@pytest.fixture
def told(world: World) -> World:
    """Give a judged window, alerts, and a partition in each state."""
    quiet = finding(0, "age", result=result(effect=0.4), verdict=Verdict.OK)
    worse = finding(0, "car_value", result=result(effect=0.31))
    distance = finding(0, "zip", detector="psi", result=result(effect=None))
    world.close_windows(closed(0, (quiet, worse, distance), rows=12_345))
    world.raise_alerts(
        alert("a"),
        alert("b"),
        alert("c", severity=Severity.CRITICAL),
        alert("d", 1, Status.PENDING),
        alert("e", 0, Status.RESOLVED),
    )
    for partition, (ago, beat_ago) in enumerate(((0, 0), (90, 5), (18_000, 18_000))):
        last_read = timedelta(seconds=ago)
        event_ms = NOW_MS - ago * 1000
        world.read(partition, 1_204_332, 1_204_332 + 5_000 * partition, last_read, event_ms)
        world.beat(partition, timedelta(seconds=beat_ago), [(1_204_332, 5_000 * partition)] * 12)
    return world


def test_a_model_shows_how_far_it_is_judged_and_what_is_wrong(told: World) -> None:
    line = told.run("status").out.splitlines()[1]
    cells = ("churn", "2026-03-01 01:00", "12,345", "1 critical, 2 warning", "car_value 31 % drift")
    assert all(cell in line for cell in cells)


def test_partitions_show_lag_and_state_and_what_to_do(told: World) -> None:
    text = told.run("status").out
    (first, second, third) = [line.split() for line in text.splitlines() if line.startswith("predictions/")]
    assert (first[1], first[2], first[-1]) == ("1,204,332", "0", "OK")
    assert (second[2], second[-4:]) == ("5,000", ["1", "min", "ago", "STALL"])
    assert third[-4:] == ["5", "h", "ago", "STOP"]
    assert "STALL: predictions/1: messages wait, and none was read for a minute" in text
    assert "STOP: predictions/2: no process has said for two minutes that it reads this" in text


def test_json_holds_the_same(told: World) -> None:
    found = told.run("status", "--json").json
    (model,) = found["models"]
    assert model["state"] == "STOP"
    assert {row["process"] for row in found["partitions"]} == {"host/7"}
    assert model["open_alerts"] == {"critical": 1, "warning": 2}
    assert model["worst"] == {"feature": "car_value", "effect": 0.31, "verdict": "drift"}
    assert [(row["lag"], row["state"]) for row in found["partitions"]] == [
        (0, "OK"),
        (5_000, "STALL"),
        (10_000, "STOP"),
    ]


def test_a_process_that_died_after_it_had_read_everything_shows(world: World) -> None:
    world.read(0, 50, 50, SECOND)
    world.beat(0, 110 * SECOND, [(50, 0)] * 3)
    assert world.run("status", "--json").json["models"][0]["state"] == "OK"
    world.beat(0, 121 * SECOND, [(50, 0)] * 3)
    assert world.run("status", "--json").json["models"][0]["state"] == "STOP"


def test_a_partition_that_nobody_has_read_since_an_upgrade_is_stopped(world: World) -> None:
    world.read(0, 50, 50, SECOND)
    (row,) = world.run("status", "--json").json["partitions"]
    assert (row["state"], row["process"], row["beat_at"]) == ("STOP", None, None)


def test_before_the_first_run_it_says_what_is_missing(world: World) -> None:
    text = world.run("status").out
    assert "no reference" in text
    assert "no partition has been read yet: start driftd run" in text
    world.store.add_reference(reference())
    assert "nothing yet" in world.run("status").out


def test_topics_that_are_no_longer_read_are_left_out(told: World) -> None:
    told.configure(CONFIG.replace('["predictions"]', '["others"]'))
    assert told.run("status", "--json").json["partitions"] == []


def test_partitions_are_shown_for_each_of_several_models(told: World) -> None:
    told.configure(CONFIG + '[models.fraud]\ntopics = ["predictions"]\n')
    lines = told.run("status").out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("predictions/")] == ["churn"] * 3
    assert any(line.startswith("fraud  no reference") for line in lines)


def test_a_database_without_schema_names_the_command(bare: World) -> None:
    ran = bare.run("status", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert "run `driftd db upgrade`" in ran.err
