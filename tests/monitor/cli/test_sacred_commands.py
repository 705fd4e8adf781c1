from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from detectors.result import Verdict
from monitor.lineage import data_version_of
from tests.monitor.cli.worlds import World
from tests.monitor.store.rows import AT, START, closed, finding, performance, result

RUNS = Path(__file__).parents[2] / "data" / "sacred" / "runs"
"""Written by Sacred itself: see `write_run.py` beside it."""


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return Path(shutil.copytree(RUNS, tmp_path / "runs"))


def read(file: Path) -> Any:
    return json.loads(file.read_text())


@pytest.mark.parametrize(("address", "rows"), [("1", 200), ("2#train.csv", 200), ("2#holdout.csv", 50)])
@pytest.mark.usefixtures("runs")
def test_a_run_gives_the_reference_of_the_rows_it_read_or_wrote(
    world: World, address: str, rows: int
) -> None:
    ran = world.run("reference", "build", "churn", f"sacred:runs/{address}")
    assert ran.code == 0, ran.err
    assert f"{rows} rows, in force" in ran.out
    assert f"of run {address[0]} of churn, begun 20" in ran.out
    assert "COMPLETED, result {'accuracy': 0.9}" in ran.out
    assert "its config: layers = {'depth': 2}, learning_rate = 0.1, seed = " in ran.out
    assert "MD5" not in ran.out
    (row,) = world.run("reference", "list", "--json").json
    assert row["source"] == f"sacred:runs/{address}"
    file = RUNS / "2" / address[2:] if address[2:] else next((RUNS / "_resources").iterdir())
    assert row["data_version"] == data_version_of(file)


def test_a_folder_of_runs_that_was_moved_is_read_where_it_is(world: World, runs: Path) -> None:
    runs.rename(world.folder / "elsewhere")
    ran = world.run("reference", "build", "churn", "sacred:elsewhere/1")
    assert ran.code == 0, ran.err
    assert "200 rows" in ran.out


def test_what_is_odd_about_a_run_is_said(world: World, runs: Path) -> None:
    (resource,) = (runs / "_resources").iterdir()
    resource.write_text(resource.read_text() + "19,pro,1\n")
    ran = world.run("reference", "build", "churn", "sacred:runs/3")
    assert ran.code == 0, ran.err
    assert "201 rows" in ran.out
    assert "the run is FAILED: was a model of it put into production?" in ran.out
    assert "is not what the run has read: its MD5 is another one" in ran.out


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("runs/2", "runs/2: the run has holdout.csv, train.csv: name one of them: sacred:runs/2#NAME"),
        ("runs/2#test.csv", 'the run has no file of rows "test.csv"; it has holdout.csv, train.csv'),
        ("runs/4", "no file of rows among its resources and artifacts: name the file of the rows itself"),
        ("runs/9", "runs/9/run.json: cannot be read: No such file or directory"),
        ("runs/5", "runs/5/run.json: is no JSON"),
        ("runs/6", "runs/6/run.json: holds no object"),
    ],
)
def test_a_run_without_rows_to_take_is_refused(world: World, runs: Path, address: str, said: str) -> None:
    for name, text in (("4", "{}"), ("5", "{"), ("6", "[]")):
        (runs / name).mkdir()
        (runs / name / "run.json").write_text(text)
    ran = world.run("reference", "build", "churn", f"sacred:{address}")
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err


@pytest.fixture
def judged(world: World) -> World:
    """Give two windows, in the second of which age has drifted and for which labels came."""
    ok = finding(0, verdict=Verdict.OK, result=result(effect=0.01))
    world.close_windows(closed(0, (ok,)), closed(1, (finding(1, result=result(effect=0.25)),)))
    with world.store.lock("churn") as lock:
        assert lock is not None
        lock.performance((performance(1, value=0.8),), AT)
    return world


def exported(world: World, *options: str) -> Path:
    begin = datetime.fromtimestamp(START / 1000, UTC).isoformat()
    end = (datetime.fromtimestamp(START / 1000, UTC) + timedelta(days=1)).isoformat()
    ran = world.run("export", "sacred", "churn", "runs", "--since", begin, "--until", end, *options)
    assert ran.code == 0, ran.err
    return world.folder / ran.out.strip()


def test_results_are_a_new_run_in_the_form_that_sacred_writes(judged: World, runs: Path) -> None:
    before = {file: file.read_bytes() for file in runs.rglob("*") if file.is_file()}
    run = exported(judged)
    assert run == runs / "4"
    assert {file: file.read_bytes() for file in before} == before
    ours, theirs = read(run / "run.json"), read(runs / "2" / "run.json")
    assert ours.keys() == theirs.keys()
    for part in ("experiment", "meta"):
        assert ours[part].keys() == theirs[part].keys()
    assert theirs["host"].keys() <= ours["host"].keys()
    assert (ours["status"], ours["experiment"]["name"]) == ("COMPLETED", "driftd")
    assert ours["result"] == {"windows": 2, "windows_with_drift": 1}
    assert {file.name for file in run.iterdir()} == {
        "run.json", "config.json", "metrics.json", "cout.txt", *ours["artifacts"],
    }  # fmt: skip
    loss = read(runs / "1" / "metrics.json")["loss"]
    metrics = read(run / "metrics.json")
    assert all(each.keys() == loss.keys() for each in metrics.values())
    assert metrics["drift/age"] == {
        "steps": [START // 60_000, START // 60_000 + 60],
        "timestamps": ["2026-03-01T01:00:00", "2026-03-01T02:00:00"],
        "values": [0.01, 0.25],
    }
    assert metrics["realised/accuracy"]["values"] == [0.8]
    assert metrics["drifted"]["values"] == [0.0, 1.0]
    windows = read(run / "windows.json")
    assert [(each["window_start"], each["verdict"]) for each in windows] == [
        ("2026-03-01T00:00:00+00:00", "ok"),
        ("2026-03-01T01:00:00+00:00", "drift"),
    ]
    assert windows[1]["values"]["realised/accuracy"] == 0.8


def test_the_run_says_what_it_is_about_and_the_next_one_is_another(judged: World, runs: Path) -> None:
    assert judged.run("reference", "build", "churn", "sacred:runs/1").code == 0
    (row,) = judged.run("reference", "list", "--json").json
    about = read(exported(judged) / "config.json")
    assert about == {
        "model": "churn",
        "model_version": "",
        "reference_id": row["id"],
        "reference_source": "sacred:runs/1",
        "since": "2026-03-01T00:00:00+00:00",
        "until": "2026-03-02T00:00:00+00:00",
    }
    assert exported(judged) == runs / "5"
    shutil.rmtree(runs)
    assert exported(judged) == runs / "1"


def test_a_stretch_without_windows_makes_no_run(judged: World) -> None:
    ran = judged.run("export", "sacred", "churn", "new", "--since", "2020-01-01", "--until", "2020-01-02")
    assert (ran.code, ran.out) == (1, "")
    assert "has no judged window between 2020-01-01" in ran.err
    assert not (judged.folder / "new").exists()


def test_a_folder_that_cannot_be_written_is_named(judged: World) -> None:
    (judged.folder / "file").write_text("")
    ran = judged.run("export", "sacred", "churn", "file/runs", "--since", "2026-03-01")
    assert (ran.code, ran.out) == (1, "")
    assert "file/runs: cannot be written: Not a directory" in ran.err
