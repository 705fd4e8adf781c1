"""False alarms without drift, and delays: `make bench-calibration`. Exit code 1 if one is too high.

A window says drift when a verdict at its end does, of whatever length and by whatever detector. Data-quality
checks have their own share of the budget and are left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from bench.calibration.judging import Alarm, Shift, follow
from bench.calibration.streams import World
from monitor.config.model import Model

SETTINGS = Model(topics=("t",), false_alarms="1 per 1000h", min_effect=0.005)
INDEPENDENT = World("independent rows")
TWO_WEEKS = 336
WORLDS = (
    (INDEPENDENT, 1.0, 1.0),
    (World("AR(1) .6 from row to row", per_row=0.6), 2.0, 0.2),
    (World("AR(1) .6 of windows' means, .1 sd", wander=0.1, reference_windows=TWO_WEEKS), 2.0, 0.05),
    (World("daily cycle of .5 sd", cycle=0.5, reference_windows=TWO_WEEKS), 2.0, 0.05),
)
"""Streams, how many times the budget may be spent on each, and the share of all streams that is played."""
DELAYS = ((0.25, 1.0, 4), (0.1, 3.0, 12), (0.05, 20.0, 80))
"""Shifts of the mean in standard deviations, windows that the median delay may take, windows played."""
AHEAD = 60
"""Windows before a shift, in the protocol that has any."""

Floats = NDArray[np.float64]


def main() -> int:
    """Print every figure as it is known."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    is_good = True
    for line, holds in chain(
        _delays(given.seed, max(10, given.streams // 5)), _false(given.seed, given.streams)
    ):
        print(f"{line}: {'good' if holds else 'NOT GOOD'}", flush=True)
        is_good &= holds
    return 0 if is_good else 1


def _false(seed: int, streams: int) -> Iterator[tuple[str, bool]]:
    for world, allowed, share in WORLDS:
        yield false_alarms(world, allowed, range(seed, seed + max(4, int(streams * share))))


def false_alarms(world: World, allowed: float, seeds: Iterable[int]) -> tuple[str, bool]:
    """Play streams without drift; good if no more windows say drift than the budget allows, with 95 %."""
    windows, begun = np.array([alarming(follow(world, SETTINGS, seed)) for seed in seeds], float).T
    budget = allowed * world.windows / 1_000
    mean, high = windows.mean(), upper(windows)
    line = (
        f"{world.name}, {len(windows)} streams of {world.windows} windows x {world.features} features, "
        f"reference of {world.reference_windows} windows: {mean:.3f} windows say drift (95 %: at most "
        f"{high:.3f}), {begun.mean():.3f} begin to; allowed {budget:g}"
    )
    return line, bool(mean <= budget and high <= 1.2 * budget)


def alarming(alarms: Sequence[Alarm]) -> tuple[int, int]:
    """How many windows say drift, and in how many of them a feature does that did not in the one before."""
    said: dict[int, set[str]] = {}
    for one in alarms:
        said.setdefault(one.window, set()).add(one.feature)
    return len(said), sum(bool(of - said.get(at - 1, set())) for at, of in said.items())


def upper(each: Floats) -> float:
    """The upper 95 % bound of the mean; windows of one stream that say drift come together."""
    rng, size = np.random.default_rng(1), len(each)
    means = [each[rng.integers(0, size, size)].mean() for _ in range(2_000)]
    return max(float(np.quantile(means, 0.95)), 3.0 / size)


def _delays(seed: int, streams: int) -> Iterator[tuple[str, bool]]:
    for ahead in (AHEAD, 0):
        for size, allowed, behind in DELAYS:
            world = replace(INDEPENDENT, windows=ahead + behind)
            found = delays(world, Shift(ahead, size), range(seed, seed + streams))
            low, median, high = np.quantile(found, [0.25, 0.5, 0.75], method="higher")
            line = (
                f"shift of {size:g} sd after {ahead} windows without, {streams} streams: median delay "
                f"{median:g} windows (quartiles {low:g}, {high:g}; allowed {allowed:g})"
            )
            yield line, bool(median <= allowed) or not ahead


def delays(world: World, shift: Shift, seeds: Iterable[int]) -> list[float]:
    """Windows until the shifted feature says drift; infinite if it does not."""
    found = []
    for seed in seeds:
        alarms = [one.window for one in follow(world, SETTINGS, seed, shift) if one.feature == "f00"]
        found.append(min((at - shift.begins + 1.0 for at in alarms if at >= shift.begins), default=np.inf))
    return found


if __name__ == "__main__":
    sys.exit(main())
