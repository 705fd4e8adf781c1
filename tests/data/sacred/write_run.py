"""Writes the folder runs beside it with Sacred itself, in an environment of its own.

`pip install "sacred==0.8.7" "setuptools<81"` (newer setuptools lack what Sacred imports), then
`python tests/data/sacred/write_run.py`. What it says of the machine and of this file is taken out again.
"""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import tempfile
from pathlib import Path
from typing import Any

from sacred import SETTINGS, Experiment
from sacred.observers import FileStorageObserver

HERE = Path(__file__).parent
SETTINGS.CAPTURE_MODE = "no"
SETTINGS.DISCOVER_SOURCES = "none"
SETTINGS.DISCOVER_DEPENDENCIES = "none"
SETTINGS.HOST_INFO.INCLUDE_CPU_INFO = False
SETTINGS.HOST_INFO.INCLUDE_GPU_INFO = False


def rows(path: Path, number: int) -> None:
    """Write training rows."""
    rng = random.Random(5)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["age", "plan", "prediction"])
        for _ in range(number):
            table.writerow([rng.randint(18, 80), rng.choice(["basic", "pro"]), rng.randint(0, 1)])


def trained(folder: Path, name: str, *, resource: bool, fails: bool = False) -> None:
    """Train, with the rows opened as a resource or written as an artifact."""
    experiment = Experiment(name, base_dir=folder, interactive=True, save_git_info=False)
    experiment.observers.append(FileStorageObserver("runs"))
    experiment.add_config({"learning_rate": 0.1, "layers": {"depth": 2}})

    def main(_run: Any, learning_rate: float) -> dict[str, float]:
        rows(folder / "train.csv", 200)
        if resource:
            _run.open_resource(str(folder / "train.csv"), "rb").close()
        else:
            _run.add_artifact(str(folder / "train.csv"), name="train.csv")
            rows(folder / "holdout.csv", 50)
            _run.add_artifact(str(folder / "holdout.csv"), name="holdout.csv")
        for step in range(3):
            _run.log_scalar("loss", learning_rate / (step + 1), step)
        if fails:
            raise ArithmeticError
        return {"accuracy": 0.9}

    experiment.main(main)
    try:
        experiment.run()
    except ArithmeticError:
        return


def main() -> None:
    """Write three runs anew: with a resource, with two artifacts, and one that failed."""
    os.chdir(HERE)
    shutil.rmtree("runs", ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="training-") as name:
        folder = Path(name)
        trained(folder, "churn", resource=True)
        trained(folder, "churn", resource=False)
        trained(folder, "churn", resource=True, fails=True)
    shutil.rmtree(HERE / "runs" / "_sources")
    for file in HERE.glob("runs/*/run.json"):
        run = json.loads(file.read_text(encoding="utf-8"))
        run["host"] |= {"hostname": "example", "os": ["Linux", "Linux"]}
        run["experiment"] |= {"sources": [], "mainfile": Path(__file__).name}
        run |= {"fail_trace": run["fail_trace"][-1:]} if "fail_trace" in run else {}
        file.write_text(json.dumps(run, indent=2, sort_keys=True), encoding="utf-8")


if __name__ == "__main__":
    main()
