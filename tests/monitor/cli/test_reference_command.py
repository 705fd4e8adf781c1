from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.monitor.cli.worlds import CONFIG, World


@pytest.fixture
def training(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 10, 400).round(2),
            "plan": rng.choice(["basic", "pro"], 400),
            "row": np.arange(400),
            "prediction": rng.integers(0, 2, 400),
        }
    )
    file = tmp_path / "training.csv"
    frame.to_csv(file, index=False)
    return file


def build(world: World, training: Path, *options: str) -> str:
    """Build a reference and give its id."""
    ran = world.run("reference", "build", "churn", str(training), *options)
    assert ran.code == 0, ran.err
    return ran.out.split()[1]


def test_a_built_reference_is_in_force_and_shows_its_dictionary(world: World, training: Path) -> None:
    name = build(world, training)
    ran = world.run("reference", "show", "churn")
    assert f"reference {name} of churn: 400 rows" in ran.out
    assert "prediction  numeric" in ran.out
    assert all(column in ran.out for column in ("age", "plan"))
    (row,) = world.run("reference", "list", "--json").json
    assert (row["id"], row["rows"], row["active"]) == (name, 400, True)


def test_the_version_of_the_training_data_is_given_or_the_hash_of_its_file(
    world: World, training: Path
) -> None:
    build(world, training)
    build(world, training, "--ignore", "row", "--data-version", "march 7")
    listed = world.run("reference", "list", "--json").json
    digest = hashlib.sha256(training.read_bytes()).hexdigest()
    assert {row["data_version"] for row in listed} == {f"sha256:{digest}", "march 7"}
    assert "training data: march 7" in world.run("reference", "show", "churn").out


def test_an_ignored_column_is_no_feature(world: World, training: Path) -> None:
    build(world, training, "--ignore", "row")
    (line,) = [
        line for line in world.run("reference", "show", "churn").out.splitlines() if line.startswith("row ")
    ]
    assert line.split() == ["row", "ignore", "int", "left", "out"]
    ran = world.run("reference", "build", "churn", str(training), "--ignore", "rwo")
    assert ran.code == 1
    assert 'did you mean "row"?' in ran.err


def test_a_dry_run_stores_nothing_and_its_dictionary_can_be_used(
    world: World, training: Path, tmp_path: Path
) -> None:
    dry = world.run("reference", "build", "churn", str(training), "--dry-run")
    assert dry.code == 0
    assert world.run("reference", "list", "--json").json == []
    dictionary = tmp_path / "dictionary.toml"
    dictionary.write_text(dry.out)
    build(world, training, "--dictionary", str(dictionary))
    assert world.run("reference", "show", "churn", "--toml").out == dry.out


def test_another_reference_can_be_put_into_force(world: World, training: Path) -> None:
    first = build(world, training)
    second = build(world, training, "--ignore", "row", "--inactive")
    assert f"reference {first} " in world.run("reference", "show", "churn").out
    assert world.run("reference", "activate", "churn", second).code == 0
    assert f"reference {second} " in world.run("reference", "show", "churn").out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("build", "chrun", "training.csv"), 2, 'did you mean "churn"?'),
        (("build", "churn", "nowhere.csv"), 1, "nowhere.csv: cannot be read"),
        (("build", "churn", "config.toml"), 1, "is of no known kind"),
        (("show", "churn"), 1, "has no reference in force"),
        (("show", "churn", "--id", "x"), 1, 'has no reference "x"'),
        (("activate", "churn", "x"), 1, 'has no reference "x"'),
    ],
)
@pytest.mark.usefixtures("training")
def test_a_mistake_is_a_sentence(world: World, arguments: tuple[str, ...], code: int, words: str) -> None:
    ran = world.run("reference", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert words in ran.err


def test_a_build_says_what_it_took_and_what_it_left_out(world: World, training: Path, tmp_path: Path) -> None:
    ran = world.run("reference", "build", "churn", str(training), "--dry-run")
    taken = (
        "id: none found, timestamp: none found, prediction: prediction, score: none found, label: none found"
    )
    assert taken in ran.err
    assert "left out" not in ran.err
    assert "taken" not in ran.out
    nested = pd.read_csv(training).rename(columns=lambda name: f"features.{name}")
    nested["id"], nested["timestamp"], nested["note"] = range(400), range(1_700_000_000, 1_700_000_400), "x"
    file = tmp_path / "nested.parquet"
    nested.to_parquet(file)
    ran = world.run("reference", "build", "churn", str(file))
    assert "id: id, timestamp: timestamp, prediction: none found" in ran.out
    assert "columns left out: note" in ran.out


def test_a_build_says_what_it_understood_of_labels(world: World, training: Path, tmp_path: Path) -> None:
    lacking = "no label column: performance cannot be known"
    assert lacking in world.run("reference", "build", "churn", str(training)).out
    labelled = pd.read_csv(training).assign(label=lambda rows: rows["prediction"])
    file = tmp_path / "labelled.csv"
    labelled.to_csv(file, index=False)
    told = (
        "binary: prediction against label, positive class 1; accuracy 100.0 %; estimates without labels: no"
    )
    dry = world.run("reference", "build", "churn", str(file), "--dry-run")
    assert told in dry.err
    assert told not in dry.out
    assert 'role = "label"' in dry.out
    build(world, file)
    shown = world.run("reference", "show", "churn").out
    assert told in shown
    (line,) = [line for line in shown.splitlines() if line.startswith("label ")]
    assert line.split()[:4] == ["label", "numeric", "int", "label"]
    world.configure(CONFIG.replace("[alerts", '[models.churn.performance]\npositive = "maybe"\n[alerts'))
    ran = world.run("reference", "build", "churn", str(file))
    assert ran.code == 1
    assert "positive = 'maybe' is no value of 'label'" in ran.err


def test_a_log_with_and_without_the_ignored_column_is_neither_odd(world: World, tmp_path: Path) -> None:
    """Both logs hold the sampled offset 0; "extra" is in no dictionary, so that is found all the same."""

    def messages(day: int, **more: float) -> str:
        rng = np.random.default_rng(day)
        rows = [
            {"timestamp": 1_700_040_000 + 86_400 * day + 12 * i, "features": {"age": rng.normal(), **more}}
            for i in range(600)
        ]
        file = tmp_path / f"{day}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return str(file)

    assert world.run("reference", "build", "churn", messages(0, row=1.0), "--ignore", "row").code == 0
    assert world.run("replay", "churn", messages(1, row=2.0), "--write").code == 0
    assert world.run("replay", "churn", messages(2), "--write").code == 0
    assert world.run("replay", "churn", messages(3, row=2.0, extra=1.0), "--write").code == 0
    rows = world.run("history", "--kind", "quality", "--all", "--json", "-n", "1000").json
    told = [row for row in rows if row["check_name"] in {"extra_column", "schema_drift"}]
    assert {row["window_start"][:10] for row in told} == {"2023-11-16", "2023-11-17", "2023-11-18"}
    warned = {(row["window_start"][:10], row["check_name"]) for row in told if row["verdict"] == "warn"}
    assert warned == {("2023-11-18", "extra_column"), ("2023-11-18", "schema_drift")}


def test_messages_without_a_time_build_a_reference_too(world: World, tmp_path: Path) -> None:
    rows = [{"features": {"age": float(i), "empty": None}} for i in range(200)]
    file = tmp_path / "training.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ran = world.run("reference", "build", "churn", str(file))
    assert (ran.code, ran.err.count("Traceback")) == (0, 0), ran.err
    assert "id: none found, timestamp: none found, prediction: none found" in ran.out
    file.write_text(file.read_text() + json.dumps({"timestamp": "soon", "features": {"age": 1.0}}) + "\n")
    ran = world.run("reference", "build", "churn", str(file))
    assert ran.code == 1
    assert "row 1: nan is no timestamp" in ran.err


def test_a_file_of_messages_builds_a_reference_too(world: World, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    rows = [{"timestamp": 1_700_000_000 + 60 * i, "features": {"age": rng.normal()}} for i in range(200)]
    file = tmp_path / "training.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    build(world, file)
    assert "age " in world.run("reference", "show", "churn").out


def test_a_reference_names_its_segments_and_what_they_leave_to_the_whole(
    world: World, training: Path
) -> None:
    wanted = 'segments = ["plan"]\nmax_segments = 1\n'
    world.configure(CONFIG.replace("[alerts.services]", wanted + "[alerts.services]"))
    ran = world.run("reference", "build", "churn", str(training))
    (line,) = [each for each in ran.out.splitlines() if each.startswith("segments of")]
    assert line.startswith("segments of plan: ")
    assert "(1 of 2 values, 5" in line
    assert "the others are judged in the whole only)" in line
    assert line in world.run("reference", "show", "churn").out
    assert world.run("check", "--json").json["models"][0]["segments"] == ["plan"]


def test_a_feature_that_cannot_part_the_rows_is_named(world: World, training: Path) -> None:
    world.configure(CONFIG.replace("[alerts.services]", 'segments = ["age"]\n[alerts.services]'))
    ran = world.run("reference", "build", "churn", str(training))
    assert ran.code == 1
    assert "'age' is numeric: only categorical and boolean features part the rows" in ran.err


def test_a_reference_with_pairs_says_how_many(world: World, training: Path) -> None:
    world.configure(CONFIG + '[models.churn.detectors]\npairs = ["correlation"]\n')
    ran = world.run("reference", "build", "churn", str(training))
    assert ran.code == 0, ran.err
    assert "pairs: 1 of 2 numeric features" in ran.out
    assert "pairs: 1 of 2 numeric features" in world.run("reference", "show", "churn").out
