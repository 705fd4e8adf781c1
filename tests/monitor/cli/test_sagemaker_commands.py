from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.monitor.bridges.sagemaker_files import check_constraints, check_statistics, check_violations
from tests.monitor.cli.worlds import CONFIG, World

START_S = 1_700_042_400  # 2023-11-15 10:00 UTC


def log(folder: Path, day: int, *, is_broken: bool = False) -> str:
    """Write an hour of messages; the first one has the sampled offset 0."""
    rng = np.random.default_rng(day)
    rows: list[dict[str, Any]] = []
    for i in range(600):
        features: dict[str, Any] = {
            "age": round(float(rng.normal(60 if is_broken else 40, 10)), 2),
            "income": None if is_broken and i % 3 == 0 else round(float(rng.gamma(2, 1000)), 2),
            "plan": "gold" if is_broken and i % 2 else str(rng.choice(["basic", "pro"])),
        }
        if is_broken:
            features |= {"zip": "1040"}
        rows.append({"id": f"{day}-{i}", "timestamp": START_S + 86_400 * day + 5 * i, "features": features})
    file = folder / f"{day}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


@pytest.fixture
def judged(world: World) -> World:
    """Give a model with a reference and one judged window that is broken in many ways."""
    assert world.run("reference", "build", "churn", log(world.folder, 0)).code == 0
    assert world.run("replay", "churn", log(world.folder, 1, is_broken=True), "--write").code == 0
    return world


def written(folder: Path, name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / name).read_text())
    return document


def test_a_baseline_goes_out_and_comes_back_as_a_reference(judged: World, tmp_path: Path) -> None:
    ran = judged.run("export", "sagemaker", "churn", "out")
    assert (ran.code, ran.out) == (0, "out/statistics.json\nout/constraints.json\n")
    check_statistics(written(tmp_path / "out", "statistics.json"))
    check_constraints(written(tmp_path / "out", "constraints.json"))
    ran = judged.run("dictionary", "import", "out/constraints.json", "--model", "churn")
    assert ran.code == 0
    assert "not taken over: distribution_constraints" in ran.err
    (tmp_path / "churn.toml").write_text(ran.out)
    ran = judged.run("reference", "build", "churn", "out/statistics.json", "--dictionary", "churn.toml")
    assert ran.code == 0, ran.err
    assert "600 rows, in force" in ran.out
    assert "hold neither rows nor times" in ran.out
    assert judged.run("replay", "churn", log(tmp_path, 2), "--write").code == 0
    rows = judged.run("history", "--since", "2023-11-17", "--json", "-n", "100").json
    assert [(row["feature"], row["verdict"]) for row in rows if row["verdict"] in {"drift", "fail"}] == []
    assert judged.run("replay", "churn", log(tmp_path, 3, is_broken=True), "--write").code == 0
    rows = judged.run("history", "--since", "2023-11-18", "--json", "-n", "100").json
    found = {(row["feature"], row["verdict"]) for row in rows if row["kind"] == "drift"}
    assert {("age", "drift"), ("plan", "drift")} <= found


def test_what_driftd_makes_of_each_row_stays_here(world: World, tmp_path: Path) -> None:
    world.configure(CONFIG + '[models.churn.detectors]\nmultivariate = ["reconstruction"]\n')
    built = world.run("reference", "build", "churn", log(tmp_path, 0))
    assert built.code == 0
    assert "reconstruction error: of 2 of 2 numeric features, in 100.0 % of rows" in built.out
    assert world.run("export", "sagemaker", "churn", "out").code == 0
    for file in ("statistics.json", "constraints.json"):
        document = written(tmp_path / "out", file)
        assert [one["name"] for one in document["features"]] == ["age", "income", "plan"]
    shown = world.run("dictionary", "show", "churn").out
    assert "reconstruction error" in shown
    assert "derived" in shown


@pytest.mark.parametrize("window", ["2023-11-16T10:00", "latest"])
def test_what_was_found_in_a_window_goes_out_as_violations(
    judged: World, tmp_path: Path, window: str
) -> None:
    ran = judged.run("export", "sagemaker", "churn", "out", "--window", window)
    assert (ran.code, ran.out) == (0, "out/statistics.json\nout/constraint_violations.json\n")
    found = written(tmp_path / "out", "constraint_violations.json")
    check_violations(found)
    assert {(each["feature_name"], each["constraint_check_type"]) for each in found["violations"]} == {
        ("age", "baseline_drift_check"),
        ("plan", "baseline_drift_check"),
        ("plan", "categorical_values_check"),
        ("income", "completeness_check"),
        ("zip", "extra_column_check"),
    }
    told = written(tmp_path / "out", "statistics.json")
    check_statistics(told)
    assert told["dataset"] == {"item_count": 600}
    columns = {each["name"]: each for each in told["features"]}
    assert columns["income"]["numerical_statistics"]["common"] == {"num_present": 400, "num_missing": 200}
    values = columns["plan"]["string_statistics"]["distribution"]["categorical"]["buckets"]
    assert next(each["count"] for each in values if each["value"] == "gold") == 300


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("export", "sagemaker", "chrun", "out"), 2, 'did you mean "churn"?'),
        (("export", "sagemaker", "churn", "out"), 1, "has no reference in force"),
        (("export", "sagemaker", "churn", "out", "--id", "x"), 1, 'has no reference "x"'),
        (("export", "sagemaker", "churn", "out", "--window", "latest"), 1, "has no judged window yet"),
        (("export", "sagemaker", "churn", "out", "--window", "2023-11-16", "--id", "x"), 2, "--id is for"),
        (("dictionary", "import", "nowhere.json"), 1, "nowhere.json: cannot be read: No such file"),
        (("dictionary", "import", "list.json"), 1, "list.json: holds no object"),
        (("dictionary", "import", "config.toml"), 1, "config.toml: is no JSON"),
        (("dictionary", "import", "other.json"), 1, "other.json: is none of the descriptions"),
        (("dictionary", "import", "bad.json"), 1, "bad.json: Expected `float"),
        (("reference", "build", "churn", "bad.json"), 1, "bad.json: is no statistics.json of SageMaker"),
    ],
)
def test_a_mistake_is_a_sentence(world: World, arguments: tuple[str, ...], code: int, said: str) -> None:
    (world.folder / "list.json").write_text("[]")
    (world.folder / "other.json").write_text("{}")
    (world.folder / "bad.json").write_text('{"features": [{"name": "age", "completeness": "all"}]}')
    ran = world.run(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
