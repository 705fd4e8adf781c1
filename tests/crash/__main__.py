"""Play many schedules, `python -m tests.crash`, or one again, `python -m tests.crash --seed 17 -v`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from os import cpu_count

from rich.console import Console
from rich.progress import track

from tests.crash.many import outcomes
from tests.crash.mutants import MUTANTS
from tests.crash.shrink import shrunk
from tests.crash.simulate import Outcome, kind_of, play
from tests.crash.steps import schedule

SHOWN = 5


def replayed(seed: int, mutant: str, *, is_verbose: bool) -> int:
    """Play one seed, show its smallest form that still fails and what was wrong."""
    found = play(schedule(seed), mutant)
    if not found.wrong:
        kept = f"all promises kept, {found.schedule.told()}" if is_verbose else "ok"
        print(f"seed {seed}: {kept}")
        return 0
    kind = kind_of(found.wrong)
    small = shrunk(found.schedule, lambda less: kind_of(play(less, mutant).wrong) == kind)
    print(f"seed {seed} fails; the smallest part of it that does:\n{small.told()}\n")
    print(play(small, mutant, says=is_verbose).wrong)
    return 1


def simulated(seeds: Iterable[int], processes: int) -> int:
    """Play all; give the exit code."""
    chosen = list(seeds)
    console = Console(stderr=True)
    failed: list[Outcome] = []
    met: Counter[str] = Counter()
    shown = track(
        outcomes(chosen, processes),
        "schedules",
        len(chosen),
        console=console,
        disable=not console.is_terminal,
    )
    for found in shown:
        met += found.met
        if found.wrong:
            failed.append(found)
    print(f"{len(chosen) - len(failed)} of {len(chosen)} schedules pass; troubles met: {told(met)}")
    for found in failed[:SHOWN]:
        print(f"\n{found.told()}")
    return 1 if failed else 0


def told(met: Counter[str]) -> str:
    """List how often each trouble was met."""
    return ", ".join(f"{name} {count}" for name, count in sorted(met.items()))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2_000, help="how many schedules (default 2000)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default 0)")
    parser.add_argument("--processes", type=int, default=cpu_count() or 1)
    parser.add_argument("--seed", type=int, help="play this one again and make it small")
    parser.add_argument("--mutant", default="", choices=["", *MUTANTS], help="with this promise broken")
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="print what is done, and the service's log"
    )
    given = parser.parse_args(arguments)
    if given.seed is not None:
        return replayed(given.seed, given.mutant, is_verbose=given.verbose)
    return simulated(range(given.first, given.first + given.seeds), given.processes)


if __name__ == "__main__":
    sys.exit(main())
