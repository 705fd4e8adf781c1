from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.model import Severity, Status
from detectors.result import Verdict
from monitor.cli.status import Limits, Word, limits_of, state_of
from monitor.config import Duration, Model
from tests.monitor.cli.worlds import CONFIG, NOW_MS, World
from tests.monitor.store.rows import alert, closed, finding, reference, result

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
LIMITS = Limits(quiet=2 * HOUR, behind=HOUR)


@pytest.mark.parametrize(
    ("lag", "quiet", "behind", "expected"),
    [
        (0, SECOND, SECOND, Word.OK),
        (0, HOUR, HOUR, Word.OK),
        (0, 2 * HOUR, 2 * HOUR, Word.WARN),
        (None, HOUR, HOUR, Word.OK),
        (None, None, None, Word.OK),
        (5, SECOND, SECOND, Word.OK),
        (5, SECOND, HOUR, Word.WARN),
        (5, SECOND, None, Word.OK),
        (5, 60 * SECOND, SECOND, Word.STALL),
        (5, 599 * SECOND, HOUR, Word.STALL),
        (5, 600 * SECOND, HOUR, Word.STOP),
    ],
)
def test_a_partition_is_described_in_one_word(
    lag: int | None, quiet: timedelta | None, behind: timedelta | None, expected: Word
) -> None:
    assert state_of(lag, quiet, behind, LIMITS) is expected


def test_limits_follow_the_models_window_and_freshness() -> None:
    daily = Model(topics=("p",), window=Duration.parse("1d"), lateness=Duration.parse("0s"))
    assert limits_of(daily) == Limits(quiet=48 * HOUR, behind=24 * HOUR)
    fresh = Model(topics=("p",), freshness=Duration.parse("30m"))
    assert limits_of(fresh).quiet == HOUR / 2
    assert limits_of(Model(topics=("p",), window=Duration.parse("1m"))).quiet == HOUR


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
    for partition, ago in enumerate((SECOND, 5 * 60 * SECOND, 5 * HOUR)):
        event_ms = NOW_MS - int(ago.total_seconds() * 1000)
        world.read(partition, 1_204_332, 1_204_332 + 5_000 * partition, ago, event_ms)
    return world


def test_a_model_shows_how_far_it_is_judged_and_what_is_wrong(told: World) -> None:
    line = told.run("status").out.splitlines()[1]
    cells = ("churn", "2026-03-01 01:00", "12,345", "1 critical, 2 warning", "car_value 31 % drift")
    assert all(cell in line for cell in cells)


def test_partitions_show_lag_and_state_and_what_to_do(told: World) -> None:
    text = told.run("status").out
    (first, second, third) = [line.split() for line in text.splitlines() if line.startswith("predictions/")]
    assert (first[1], first[2], first[-1]) == ("1,204,332", "0", "OK")
    assert (second[2], second[-4:]) == ("5,000", ["5", "min", "ago", "STALL"])
    assert third[-4:] == ["5", "h", "ago", "STOP"]
    assert "STOP: predictions/2: messages wait, and no process reads them" in text


def test_json_holds_the_same(told: World) -> None:
    found = told.run("status", "--json").json
    (model,) = found["models"]
    assert model["open_alerts"] == {"critical": 1, "warning": 2}
    assert model["worst"] == {"feature": "car_value", "effect": 0.31, "verdict": "drift"}
    assert [(row["lag"], row["state"]) for row in found["partitions"]] == [
        (0, "OK"),
        (5_000, "STALL"),
        (10_000, "STOP"),
    ]


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
