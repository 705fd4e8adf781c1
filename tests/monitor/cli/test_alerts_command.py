from __future__ import annotations

import pytest

from alerts.model import Severity, Status
from tests.monitor.cli.worlds import World
from tests.monitor.store.rows import alert

EVIL = "[bold]\x1b[31m"


@pytest.fixture
def told(world: World) -> World:
    """Give alerts in every state."""
    world.raise_alerts(
        alert("car_value", 1),
        alert("salary_range", 2, severity=Severity.CRITICAL),
        alert("loan_length", 3, Status.PENDING),
        alert("old", 0, Status.RESOLVED),
    )
    return world


def features(rows: list[dict[str, str]]) -> list[str]:
    return [row["feature"] for row in rows]


def test_open_alerts_are_shown_the_loudest_first(told: World) -> None:
    ran = told.run("alerts", "--json")
    assert (ran.code, features(ran.json)) == (0, ["salary_range", "loan_length", "car_value"])
    text = told.run("alerts").out
    assert "25 % of rows moved" in text
    assert "2026-03-01 02:00  salary_range  critical  firing" in text


def test_all_shows_those_that_are_over_newest_first(told: World) -> None:
    assert features(told.run("alerts", "--all", "--json").json) == [
        "loan_length", "salary_range", "car_value", "old",
    ]  # fmt: skip


def test_a_silenced_alert_says_so(told: World) -> None:
    told.run("silence", "add", 'feature=~"car_.*"', "--for", "1h", "--comment", "known")
    states = {row["feature"]: row["silenced_by"] for row in told.run("alerts", "--json").json}
    assert states == {"salary_range": None, "loan_length": None, "car_value": 1}
    (line,) = [line for line in told.run("alerts").out.splitlines() if "car_value" in line]
    assert "silenced" in line


def test_an_alert_about_the_whole_model_is_named_by_its_check(world: World) -> None:
    labels = (("check", "row_count"), ("feature", ""), ("model", "churn"), ("shift", "quality"))
    world.raise_alerts(alert(labels=labels))
    assert "row_count" in world.run("alerts").out


def test_names_out_of_the_data_are_shown_as_text(world: World) -> None:
    world.raise_alerts(alert(EVIL))
    text = world.run("alerts").out
    assert "[bold]" in text
    assert "\x1b" not in text


def test_no_alerts_is_said(world: World) -> None:
    assert world.run("alerts").out == "no open alerts; --all shows those that are over\n"
    assert world.run("alerts", "--all").out == "no alerts yet\n"
    assert world.run("alerts", "--json").json == []


def test_an_unknown_model_names_the_nearest(told: World) -> None:
    ran = told.run("alerts", "--model", "chrun")
    assert ran.code == 2
    assert 'did you mean "churn"?' in ran.err
