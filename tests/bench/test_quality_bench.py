"""The comparison end to end with driftd alone: drawn, judged, measured, and put into the page."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench.quality.__main__ import PAGE, put_into
from bench.quality.cases import COSTS, LARGE, NULLS, SHIFTS
from bench.quality.figures import Figures, compute
from bench.quality.plots import all_plots
from bench.quality.results import Result
from bench.quality.running import Runner
from bench.quality.streams import write
from bench.quality.tables import all_tables

NULL = replace(NULLS[0], streams=1, after=6)
SHIFT = replace(next(case for case in SHIFTS if case.name == "mean_0.5"), streams=1, before=3, after=3)
COST = replace(COSTS[0], after=2)
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def run(folder: Path, settings: str) -> Result:
    runner = Runner(settings, Path(sys.executable), "bench.quality.ours", (settings,))
    said = runner.answers(folder, folder)
    assert isinstance(said, Result), said
    return said


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Figures:
    folder = tmp_path_factory.mktemp("streams")
    write((NULL, SHIFT, COST), folder)
    results = {"driftd sensitive": run(folder, "sensitive")}
    return compute(results, results, {"Another": "no Python has it"}, (NULL,), (SHIFT,), LARGE)


def test_driftd_finds_half_a_standard_deviation_at_once_and_nothing_else(figures: Figures) -> None:
    found = figures.delays["driftd"][SHIFT.name]
    assert (found.found, found.median) == (1.0, 1.0)
    counted = figures.nulls["driftd"][NULL.name]
    assert (counted.windows, counted.alarming) == (6, 0)


def test_time_and_memory_of_every_run_are_told(figures: Figures) -> None:
    cost_ms, peak_mb = figures.costs["driftd sensitive"][COST.name]
    assert 0.0 < cost_ms < 60_000.0
    assert 50.0 < peak_mb < 10_000.0


def test_tables_name_what_could_not_be_measured(figures: Figures) -> None:
    tables = all_tables(figures, NOW)
    assert "| Another | not measured: no Python has it |" in tables["versions"]
    assert "| driftd |" in tables["false alarms"]
    for text in tables.values():
        widths = {line.count("|") for line in text.splitlines()}
        assert len(widths) == 1


def test_every_table_has_its_place_on_the_page(figures: Figures) -> None:
    tables = all_tables(figures, NOW)
    marks = re.findall(r"<!-- begin (.+) -->", PAGE.read_text())
    assert sorted(marks) == sorted(tables)
    page = put_into("<!-- begin costs -->\nold\n<!-- end costs -->\nrest", {"costs": "new"})
    assert page == "<!-- begin costs -->\n\nnew\n\n<!-- end costs -->\nrest"


def test_pictures_are_well_formed_and_on_the_page(figures: Figures) -> None:
    plots: Mapping[str, str] = all_plots(figures)
    for name, text in plots.items():
        assert ET.fromstring(text).tag.endswith("svg")  # noqa: S314  # our own text
        assert f"images/{name}" in PAGE.read_text()


def test_what_a_runner_answered_before_it_was_stopped_counts(tmp_path: Path) -> None:
    (tmp_path / "streams").mkdir()
    write((COST,), tmp_path / "streams")
    runner = Runner("slow", Path(sys.executable), "bench.quality.ours", ("default",))
    assert runner.answers(tmp_path / "streams", tmp_path, 0.01) == "nothing answered within 0 s"
    done = runner.answers(tmp_path / "streams", tmp_path)
    stopped = runner.answers(tmp_path / "streams", tmp_path, 0.01)
    assert isinstance(done, Result)
    assert isinstance(stopped, Result)
    assert stopped.answered.keys() == done.answered.keys() == {f"{COST.name}_000"}
    assert stopped.cpu_s([COST]) == done.cpu_s([COST]) > 0.0


def test_a_runner_that_fails_says_why(tmp_path: Path) -> None:
    said = Runner("none", Path(sys.executable), "bench.quality.none").answers(tmp_path, tmp_path)
    assert isinstance(said, str)
    assert "No module named bench.quality.none" in said
