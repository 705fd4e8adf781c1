"""What abstaining does on SEA, where the concept changes and the features do not.

`python -m bench.elec2 --sea`, some three minutes on two cores.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from rich.console import Console
from river.datasets import synth
from scipy.special import expit

from bench.prequential import LATE, WORKERS, Outcomes, Rows, compare, loses_little, rules_table
from detectors.abstaining_bases import BASES

N_ROWS = 40_000
EVERY = 10_000  # rows between changes of the concept
WIDTHS = {"abrupt": 1, "gradual": 2_000}
NOISE = (0.0, 0.1)
BASE = "adwin_bagging"


def generate(width: int, noise: float, seed: int) -> Rows:
    """Rows whose concept is one of SEA's four after the other, a share ``noise`` of the labels flipped.

    Around each change a row is of the later concept with a probability that
    rises as a logistic function. (River's ConceptDriftStream does the same, but
    overflows for a sudden change after many rows.)
    """
    rng = np.random.default_rng(seed)
    times = np.arange(N_ROWS)
    chances = expit(4.0 * (times - EVERY * np.arange(1, 4)[:, np.newaxis]) / width)
    concepts = (rng.random(chances.shape) < chances).sum(axis=0).tolist()
    streams = (synth.SEA(variant=variant, noise=noise, seed=seed).take(N_ROWS) for variant in range(4))
    return [  # equal seeds give equal features
        ({str(name): value for name, value in choices[0][0].items()}, int(choices[concept][1]))
        for concept, choices in zip(concepts, zip(*streams, strict=True), strict=True)
    ]


def measure(width: int, noise: float, delay: int) -> Outcomes:
    """All rules on one stream."""
    return compare(BASES[BASE](1), generate(width, noise, seed=42), delay)


def report() -> bool:
    """Print how the rules do; whether none loses more than it may to `none`."""
    with ProcessPoolExecutor(WORKERS) as workers:
        futures = {
            (f"{kind}, {noise:.0%} noise", delay): workers.submit(measure, width, noise, delay)
            for (kind, width), noise, delay in itertools.product(WIDTHS.items(), NOISE, (0, LATE))
        }
        measured = {key: future.result() for key, future in futures.items()}
    Console(width=120).print(rules_table(f"Abstaining on SEA, {BASE}", measured))
    return all(loses_little(outcomes) for outcomes in measured.values())
