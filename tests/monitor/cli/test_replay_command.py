from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.monitor.cli.worlds import CONFIG, World

SMALL = CONFIG.replace('topics = ["predictions"]', 'topics = ["predictions"]\nwindows_up_to = "1h"')
START = datetime(2026, 1, 1, tzinfo=UTC)


def log(file: Path, hours: int, moved_from: int, seed: int) -> Path:
    """Write 300 messages an hour whose age moves after so many hours."""
    rng = np.random.default_rng(seed)
    lines = []
    for number in range(300 * hours):
        at = START + timedelta(seconds=12 * number)
        age = rng.normal(40 if number < 300 * moved_from else 60, 10)
        lines.append(
            json.dumps({"id": f"{seed}-{number}", "timestamp": at.isoformat(), "features": {"age": age}})
        )
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture
def training(bare: World, tmp_path: Path) -> Path:
    bare.configure(SMALL)
    return log(tmp_path / "training.jsonl", 8, 8, seed=1)


def test_drift_is_shown_and_nothing_is_written(bare: World, training: Path, tmp_path: Path) -> None:
    drifted = log(tmp_path / "log.jsonl", 6, 3, seed=2)
    arguments = ("replay", "churn", str(drifted), "--reference", str(training))
    ran = bare.run(*arguments, "--fail-on-drift")
    assert ran.code == 3
    assert ran.out.startswith("1,800 rows in 6 windows, 0 rejected; 1 alerts")
    assert "age" in ran.out
    assert not bare.file.exists()
    found = bare.run(*arguments, "--json").json
    assert (found["rows"], found["windows"]) == (1800, 6)
    assert {row["window_start"][:13] for row in found["drift"]} == {
        f"2026-01-01T0{hour}" for hour in (3, 4, 5)
    }


def test_an_alert_about_the_whole_log_is_named_by_its_check(
    bare: World, training: Path, tmp_path: Path
) -> None:
    bare.configure(SMALL.replace("[alerts", "row_count = {{ min = 1000 }}\n[alerts"))
    quiet = log(tmp_path / "log.jsonl", 3, 3, seed=3)
    ran = bare.run("replay", "churn", str(quiet), "--reference", str(training))
    (line,) = [line for line in ran.out.splitlines() if line.startswith("firing")]
    assert line.split()[:3] == ["firing", "quality", "row_count"]


def test_quiet_data_exit_with_0(bare: World, training: Path, tmp_path: Path) -> None:
    quiet = log(tmp_path / "log.jsonl", 3, 3, seed=3)
    ran = bare.run("replay", "churn", str(quiet), "--reference", str(training), "--fail-on-drift")
    assert (ran.code, ran.err) == (0, "")
    assert "0 alerts" in ran.out


def test_written_results_are_what_history_and_alerts_show(
    world: World, training: Path, tmp_path: Path
) -> None:
    assert world.run("reference", "build", "churn", str(training)).code == 0
    drifted = log(tmp_path / "log.jsonl", 6, 3, seed=2)
    assert world.run("replay", "churn", str(drifted), "--write").code == 0
    rows = world.run("history", "--kind", "drift", "--json").json
    assert {(row["feature"], row["verdict"]) for row in rows} == {("age", "drift")}
    assert world.run("alerts", "--json").json[0]["feature"] == "age"
    assert "age" in world.run("status").out


def labelled(file: Path, rows: int, seed: int) -> Path:
    """Write a message every 12 seconds with a prediction and the truth, which differ in every tenth."""
    rng = np.random.default_rng(seed)
    lines = []
    for number in range(rows):
        at = START + timedelta(seconds=12 * number)
        truth = int(rng.integers(0, 2))
        message = {"id": number, "timestamp": at.isoformat(), "features": {"age": rng.normal(40, 10)}}
        lines.append(json.dumps(message | {"prediction": abs(truth - (number % 10 == 0)), "label": truth}))
    file.write_text("\n".join(lines) + "\n")
    return file


def test_labels_come_from_files_of_their_own(bare: World, tmp_path: Path) -> None:
    bare.configure(SMALL)
    training = labelled(tmp_path / "training.jsonl", 1_200, seed=1)
    rows = labelled(tmp_path / "log.jsonl", 900, seed=2)
    labels = tmp_path / "labels.csv"
    at = START.isoformat()
    labels.write_text("id,label,timestamp\n" + "".join(f"{number},1,{at}\n" for number in range(700)))
    arguments = ("replay", "churn", str(rows), "--labels", str(labels), "--reference", str(training))
    assert bare.run(*arguments).out.startswith("900 rows in 3 windows and 700 labels, 0 rejected; ")
    again = bare.run(*arguments, "--labels", str(rows), "--json").json
    assert (again["rows"], again["labels"], again["rejected"]) == (900, 1_600, 0)
    assert {"performance", "drift", "alerts"} <= again.keys()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("chrun", "training.jsonl"), 2, 'did you mean "churn"?'),
        (("churn", "nowhere.jsonl", "--reference", "training.jsonl"), 1, "there is no such file"),
        (("churn", "training.jsonl", "--notify"), 2, "needs --write"),
        (
            ("churn", "training.jsonl", "--reference", "training.jsonl", "--labels", "training.jsonl"),
            2,
            "the reference has no label column",
        ),
    ],
)
@pytest.mark.usefixtures("training")
def test_a_mistake_is_a_sentence(world: World, arguments: tuple[str, ...], code: int, words: str) -> None:
    ran = world.run("replay", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert words in ran.err


def test_a_model_without_reference_names_both_ways_out(world: World, training: Path) -> None:
    ran = world.run("replay", "churn", str(training))
    assert ran.code == 2
    assert "--reference FILE" in ran.err
    assert "driftd reference build churn FILE" in ran.err
