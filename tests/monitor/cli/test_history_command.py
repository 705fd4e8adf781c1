from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from detectors.result import Shift, Verdict
from tests.monitor.cli.worlds import CONFIG, World
from tests.monitor.store.rows import HOUR, MODEL, START, closed, finding, quality, result

MEDIANS = {"kind": "numeric", "median_reference": 24_700.0, "median_current": 46_100.0, "share_moved": 0.31}
EVIL = "[red]x[/red]\x1b[31m\x07\u202e"


def moved(hour: int = 1, feature: str = "car_value", **changes: Any) -> Any:
    found = finding(
        hour, feature, result=result(effect=0.31, effect_low=0.27), adjusted_p=1e-30, details=MEDIANS
    )
    return replace(found, **changes)


def fine(hour: int = 1, feature: str = "age", **changes: Any) -> Any:
    found = finding(hour, feature, result=result(effect=0.011, effect_low=0.0), adjusted_p=1.0, details={})
    return replace(found, verdict=Verdict.OK, **changes)


def too_few(hour: int = 1) -> Any:
    nothing = result(effect=None, effect_low=None, p_value=None, note="12 rows, fewer than 50")
    return fine(hour, "short", adjusted_p=None, result=nothing)


NULLS = quality(1, "salary_range", expected="at most 10 %", observed="22 %", failed_rows=36, total_rows=165)


@pytest.fixture
def told(world: World) -> World:
    """Give three windows, the later two with drift and one with nulls."""
    few = replace(too_few(), verdict=Verdict.INCONCLUSIVE)
    world.close_windows(
        closed(0, (fine(0),)),
        closed(1, (moved(), fine(), few), (NULLS, replace(NULLS, feature="age", verdict=Verdict.OK))),
        closed(2, (moved(2), fine(2))),
    )
    return world


def test_without_options_it_shows_what_drifted_or_broke_and_nothing_else(told: World) -> None:
    ran = told.run("history")
    assert (ran.code, ran.err) == (0, "")
    assert "car_value" in ran.out
    assert "salary_range" in ran.out
    assert " ok" not in ran.out
    assert "inconclusive" not in ran.out


def test_the_newest_window_comes_first_and_in_it_the_worst(told: World) -> None:
    rows = told.run("history", "--json").json
    assert [(row["window_start"][:16], row["feature"]) for row in rows] == [
        ("2026-03-01T02:00", "car_value"),
        ("2026-03-01T01:00", "car_value"),
        ("2026-03-01T01:00", "salary_range"),
    ]


def test_kinds_verdicts_and_effects_are_mixed_in_that_order(world: World) -> None:
    small = moved(1, "a_little", result=result(effect=0.1, effect_low=0.05))
    world.close_windows(
        closed(0, (moved(0),)),
        closed(1, (replace(fine(), verdict=Verdict.WARN), small, moved()), (replace(NULLS, feature="zip"),)),
        closed(2, (), (replace(NULLS, start_ms=START + 2 * HOUR, end_ms=START + 3 * HOUR),)),
    )
    rows = world.run("history", "--json").json
    assert [row["feature"] for row in rows] == [
        "salary_range", "car_value", "a_little", "zip", "age", "car_value",
    ]  # fmt: skip


def test_effects_are_told_in_words_with_a_readable_p(told: World) -> None:
    text = " ".join(told.run("history", "--kind", "drift", "--limit", "1").out.split())
    for part in ("median 24.7k → 46.1k", "p < 1e-6"):
        assert part in text
    wide = told.run("history", "--kind", "quality").out
    assert "22 % null, expected at" in wide


def test_every_line_fits_80_columns(told: World) -> None:
    for arguments in (("history", "--all"), ("history", "--kind", "windows"), ("alerts",), ("status",)):
        lines = told.run(*arguments).out.splitlines()
        assert max(map(len, lines)) <= 80


def test_all_shows_every_verdict_and_why_there_is_none(told: World) -> None:
    text = told.run("history", "--all").out
    assert "inconclusive" in text
    assert "12 rows, fewer than 50" in text
    assert len(told.run("history", "--all", "--json").json) == 8


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--verdict", "ok"), 4),
        (("--verdict", "ok", "--verdict", "fail"), 5),
        (("--feature", "car_value"), 2),
        (("--feature", "age", "--all"), 4),
        (("--shift", "covariate"), 2),
        (("--shift", "prior"), 0),
        (("--kind", "quality"), 1),
        (("--kind", "windows"), 3),
        (("--since", "2026-03-01T02:00"), 1),
        (("--since", "2026-03-01T03:00+01:00"), 1),
        (("--until", "2026-03-01T02:00Z"), 2),
        (("--since", "2026-03-01"), 3),
        (("--since", "1h"), 0),
        (("--since", "100y", "--model", "churn"), 3),
        (("--limit", "2"), 2),
    ],
)
def test_options_narrow_the_rows(told: World, options: tuple[str, ...], count: int) -> None:
    ran = told.run("history", "--json", *options)
    assert ran.code == 0
    assert len(ran.json) == count


def test_what_the_limit_leaves_out_is_said_on_stderr(told: World) -> None:
    assert "--limit N shows others too" in told.run("history", "--limit", "2", "--json").err
    assert "--limit N" in told.run("history", "--kind", "drift", "--limit", "1").err
    assert told.run("history", "--limit", "3").err == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--since", "yesterday"), '--since "yesterday" is no time: write a day (2019-03-31)'),
        (("--until", "31.3.2019"), '--until "31.3.2019" is no time'),
        (("--model", "churm"), 'knows a model "churm", did you mean "churn"?'),
        (("--all", "--verdict", "ok"), "contradict each other"),
        (("--kind", "windows", "--feature", "age"), "has neither features nor verdicts"),
        (("--kind", "quality", "--shift", "prior"), "has no shift"),
        (("--verdict", "bad"), "'bad' is not one of"),
        (("--limit", "0"), "greater than or equal to 1"),
    ],
)
def test_a_mistake_is_explained_and_exits_with_2(told: World, options: tuple[str, ...], words: str) -> None:
    ran = told.run("history", *options)
    assert (ran.code, ran.out) == (2, "")
    assert words in " ".join(ran.err.split())


def test_a_model_that_left_the_configuration_keeps_its_history(told: World) -> None:
    told.configure(CONFIG.replace("models.churn", "models.other"))
    ran = told.run("history", "--model", MODEL)
    assert ran.code == 0
    assert "car_value" in ran.out


def test_the_model_is_named_when_there_are_several(told: World) -> None:
    assert "model" not in told.run("history").out
    told.configure(CONFIG + '[models.fraud]\ntopics = ["frauds"]\n')
    assert "model" in told.run("history").out
    assert "model" not in told.run("history", "--model", "churn").out


def test_longer_windows_say_how_long_they_are(world: World) -> None:
    longer = moved(0, multiple=4, start_ms=START - 3 * HOUR)
    world.close_windows(closed(0, (moved(0), longer)))
    rows = [line.split()[2] for line in world.run("history").out.splitlines() if "drift" in line]
    assert rows == ["1h", "4h"]


def test_a_distance_is_told_with_its_threshold(world: World) -> None:
    psi = result(statistic=0.61, effect=None, effect_low=None, p_value=None)
    world.close_windows(
        closed(0, (moved(0, detector="psi", result=psi, adjusted_p=None, threshold=0.25, details={}),))
    )
    assert "psi 0.61, threshold 0.25" in world.run("history").out


def test_names_out_of_the_data_are_shown_as_text(world: World) -> None:
    changes = [{"category": EVIL, "reference": 0.1, "current": 0.4}]
    found = moved(0, feature=EVIL, details={"kind": "categorical", "changes": changes, "unseen": 0.0})
    world.close_windows(closed(0, (found,), (replace(NULLS, feature=EVIL, observed=EVIL),)))
    text = world.run("history").out
    assert "[red]x[/red]" in "".join(text.split())
    assert all(character.isprintable() or character == "\n" for character in text)


def test_figures_without_end_are_null_in_json(world: World) -> None:
    endless = result(statistic=float("inf"), effect=None, p_value=None)
    world.close_windows(closed(0, (moved(0, detector="psi", result=endless),)))
    assert world.run("history", "--json").json[0]["statistic"] is None


def test_nothing_found_is_said(world: World) -> None:
    assert "nothing found that drifted or broke" in world.run("history").out
    assert world.run("history", "--json").json == []


def test_a_shift_of_the_predictions_is_found_by_its_name(world: World) -> None:
    world.close_windows(closed(0, (moved(0, shift=Shift.PRIOR, feature="prediction"),)))
    (row,) = world.run("history", "--shift", "prior", "--json").json
    assert (row["kind"], row["feature"], row["effect"]) == ("drift", "prediction", 0.31)
