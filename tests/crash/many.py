"""Many schedules in several processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence

from tests.crash.simulate import Outcome, play
from tests.crash.steps import schedule


def outcome_of(seed: int) -> Outcome:
    """Play one seed's schedule."""
    return play(schedule(seed))


def outcomes(seeds: Sequence[int], processes: int) -> Iterator[Outcome]:
    """Play them in several processes; in any order."""
    if processes == 1:
        yield from map(outcome_of, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(outcome_of, seeds, chunksize=4)
