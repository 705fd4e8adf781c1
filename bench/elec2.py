"""Known figures on Elec2, measured beside stated, and what abstaining does there: `python -m bench.elec2`.

It takes some three minutes on two cores. With `--sea` it measures SEA instead.

Elec2 (Harries, M. (1999), SPLICE-2 comparative evaluation: electricity pricing, University of New South
Wales) is not part of driftd: no licence by those who collected it was found. It is read from the file that
$DRIFTD_ELEC2 names, Parquet or CSV, or from where `river.datasets.Elec2().download()` has put it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from river import datasets, dummy, ensemble, naive_bayes, tree

from bench import sea
from bench.prequential import (
    LATE,
    PLAIN,
    WORKERS,
    Key,
    Outcomes,
    Rows,
    accuracy,
    compare,
    loses_little,
    rules_table,
)
from detectors.abstaining import Rule
from detectors.abstaining_bases import BASES

SEED = 1
FEATURES = ("day", "period", "nswprice", "nswdemand", "vicprice", "vicdemand", "transfer")  # not the date
N_ROWS = 45_312
FIRST = 2_000

EXACT = 0.00005  # nothing is random: equal to four digits
SEEDED = 0.01
OTHER_SOFTWARE = 0.01  # MOA's trees and estimates differ in details
MAX_ABSTAINING = 0.001  # share of the members under `coded`, labels at once; stated for river's ensembles

RIVERS_ADWIN = "river's ADWIN bagging"
MODELS: Mapping[str, Callable[[], Any]] = {
    "no change": dummy.NoChangeClassifier,
    "naive Bayes": naive_bayes.GaussianNB,
    "Hoeffding tree": tree.HoeffdingTreeClassifier,
    "adaptive tree": lambda: tree.HoeffdingAdaptiveTreeClassifier(seed=SEED),
    RIVERS_ADWIN: lambda: ensemble.ADWINBaggingClassifier(tree.HoeffdingTreeClassifier(), 10, seed=SEED),
}
STATED_ENSEMBLES = (RIVERS_ADWIN, "leveraging_bagging", "arf")
PASSES = (  # the longest first
    ("leveraging_bagging", 0),
    ("arf", 0),
    (RIVERS_ADWIN, 0),
    (RIVERS_ADWIN, LATE),
    ("adwin_bagging", 0),
    ("adwin_bagging", LATE),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """An accuracy that is known, and by how much the measured one may differ."""

    model: str
    stated: float
    tolerance: float
    rows: int = N_ROWS

    def holds(self, measured: float) -> bool:
        return abs(measured - self.stated) <= self.tolerance


FIGURES = (
    Figure("no change", 0.8533, EXACT),
    Figure("naive Bayes", 0.7312, EXACT),
    Figure("Hoeffding tree", 0.7796, EXACT),
    Figure("adaptive tree", 0.8230, SEEDED),
    Figure(RIVERS_ADWIN, 0.8230, SEEDED),
    Figure("leveraging_bagging", 0.8864, SEEDED),
    Figure("arf", 0.8811, SEEDED),
    Figure("no change", 0.8595, OTHER_SOFTWARE, FIRST),
    Figure("naive Bayes", 0.840, OTHER_SOFTWARE, FIRST),
    Figure("Hoeffding tree", 0.8265, OTHER_SOFTWARE, FIRST),
)


def source() -> Path | None:
    """The file with the data set; None if this machine has none."""
    if given := os.environ.get("DRIFTD_ELEC2"):
        return Path(given)
    downloaded: Any = datasets.Elec2()  # type: ignore[no-untyped-call]
    return Path(downloaded.path) if downloaded.is_downloaded else None


def load(path: Path) -> Rows:
    """The rows in time order: seven features, and 1 if the price went up."""
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    if len(frame) != N_ROWS:
        raise ValueError(f"{path} has {len(frame):,} rows, but Elec2 has {N_ROWS:,}")
    is_up = frame["class"] == "UP" if "class" in frame else frame["target"] == 1
    values = frame.loc[:, list(FEATURES)].astype(float).to_numpy().tolist()
    labels = is_up.astype(int).tolist()
    return [(dict(zip(FEATURES, row, strict=True)), y) for row, y in zip(values, labels, strict=True)]


def measure_single(path: Path, figure: Figure) -> float:
    """The accuracy of a model that is no ensemble."""
    return accuracy(MODELS[figure.model](), load(path)[: figure.rows])


def measure_rules(path: Path, name: str, delay: int) -> Outcomes:
    """The accuracies of all rules on an ensemble."""
    model = BASES[name](SEED) if name in BASES else MODELS[name]()
    return compare(model, load(path), delay)


def measure(path: Path) -> tuple[dict[Figure, float], dict[Key, Outcomes]]:
    """Everything, in several processes."""
    with ProcessPoolExecutor(WORKERS) as workers:
        by_rules = {key: workers.submit(measure_rules, path, *key) for key in PASSES}
        alone = {
            figure: workers.submit(measure_single, path, figure)
            for figure in FIGURES
            if (figure.model, 0) not in PASSES
        }
        rules = {key: future.result() for key, future in by_rules.items()}
        figures = {
            figure: alone[figure].result() if figure in alone else rules[figure.model, 0][PLAIN].accuracy
            for figure in FIGURES
        }
    return figures, rules


def report() -> bool:
    """Print all figures; whether each is within its tolerance. False as well if the data set is not here."""
    console = Console(width=120)
    path = source()
    if path is None or not path.is_file():
        console.print(
            f"Elec2 was not measured: {path or 'its file'} is not here. Name a file in $DRIFTD_ELEC2, or "
            "download it: python -c 'from river import datasets; datasets.Elec2().download()'"
        )
        return False
    figures, rules = measure(path)
    table = Table(
        "model", "rows", "measured", "stated", "tolerance", "", title="Prequential accuracy on Elec2"
    )
    for figure, measured in figures.items():
        verdict = "good" if figure.holds(measured) else "OUTSIDE"
        numbers = (f"{measured:.4f}", f"{figure.stated:.4f}", f"{figure.tolerance:.4g}")
        table.add_row(figure.model, f"{figure.rows:,}", *numbers, verdict)
    console.print(table)
    console.print(rules_table("Abstaining on Elec2, ten members", rules))
    return (
        all(figure.holds(measured) for figure, measured in figures.items())
        and all(loses_little(outcomes) for outcomes in rules.values())
        and all(rules[name, 0][Rule.CODED].abstaining < MAX_ABSTAINING for name in STATED_ENSEMBLES)
    )


if __name__ == "__main__":
    sys.exit(0 if (sea.report() if "--sea" in sys.argv[1:] else report()) else 1)
