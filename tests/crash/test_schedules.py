from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.crash.many import outcomes
from tests.crash.mutants import MUTANTS
from tests.crash.shrink import shrunk
from tests.crash.simulate import kind_of, play
from tests.crash.steps import Grow, Schedule, Turn, schedule

PART, ALL = 40, 2_000
PROCESSES = 2
ENOUGH = 150
"""Seeds among which each mutant is to be caught."""
CAUGHT = {
    "cursor_in_its_own_transaction": 38,
    "no_compare_and_swap": 4,
    "marked_before_sending": 3,
    "closing_without_the_lock": 20,
    "alerts_outside_the_transaction": 44,
    "kept_after_fencing": 4,
    "others_partitions_unknown": 6,
    "waiting_halves_not_stored": 4,
    "met_halves_kept": 4,
    "halves_in_their_own_transaction": 4,
    "waiting_halves_left_behind": 3,
}
"""The seed that caught each when last looked for: the first to be played, to save time."""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_crashes_rebalances_and_zombies_change_no_result() -> None:
    met: Counter[str] = Counter()
    for seed in range(PART):
        found = play(schedule(seed))
        assert not found.wrong, found.told()
        met += found.met
    assert {name.split()[0] for name in met} == {"crash", "fail", "meanwhile"}
    assert {name.split()[-1] for name in met} >= {"begin", "statement", "commit", "source"}


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_two_thousand_schedules_change_no_result() -> None:
    failed = [found for found in outcomes(range(PART, ALL), PROCESSES) if found.wrong]
    assert not failed, "\n\n".join(found.told() for found in failed[:3])


def catching(mutant: str) -> Iterator[int]:
    """Give the seeds that catch it, the one that has done so before first."""
    seeds = (CAUGHT.get(mutant, 0), *range(ENOUGH))
    return (seed for seed in seeds if play(schedule(seed), mutant).wrong)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_promise_is_caught(mutant: str) -> None:
    assert next(catching(mutant), None) is not None


def test_a_seed_is_the_same_schedule_each_time() -> None:
    assert schedule(7) == schedule(7)
    assert len({schedule(seed) for seed in range(50)}) == 50


def test_a_failing_schedule_is_made_small() -> None:
    steps = (Turn(0), Grow(), Turn(1), Turn(2), Grow(), Turn(0))
    small = shrunk(Schedule(1, 0, True, steps), lambda one: Turn(1) in one.steps and Turn(2) in one.steps)
    assert small == replace(small, steps=(Turn(1), Turn(2)))


def test_failures_are_told_apart_by_what_differs() -> None:
    assert kind_of("window_history: missing {}") == "window_history"
    assert kind_of("StoreError: Traceback") == "StoreError"
