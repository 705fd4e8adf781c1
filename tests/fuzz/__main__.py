"""Fuzz the decoder for a while: messages from a grammar, and beside them bytes that libFuzzer grows.

`python -m tests.fuzz --seconds 300` prints what it tried; the first broken promise ends it with exit code 1,
the round's seed and how to repeat it.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random

from monitor.clock import SystemClock
from tests.fuzz.grammar import message
from tests.fuzz.rounds import ROUND, round_of

CORPUS = 250
LOG = "libfuzzer.log"


def from_grammar(first: int, rounds: int | None, seconds: float) -> int:
    """Play rounds until the time is over; give the number of messages."""
    clock = SystemClock()
    until_s = clock.monotonic() + seconds
    seed, slowest_s, longest = first, 0.0, first
    while clock.monotonic() < until_s if rounds is None else seed < first + rounds:
        began_s = clock.monotonic()
        try:
            round_of(seed)
        except BaseException:
            print(f"seed {seed} broke it: .venv/bin/python -m tests.fuzz --seed {seed} --rounds 1")
            raise
        if clock.monotonic() - began_s > slowest_s:
            slowest_s, longest = clock.monotonic() - began_s, seed
        seed += 1
    print(f"slowest round: seed {longest}, {slowest_s / ROUND * 1e6:,.0f} us a message")
    return (seed - first) * ROUND


def beside(folder: Path, seed: int, seconds: float) -> subprocess.Popen[bytes] | None:
    """Start libFuzzer on messages of the grammar as its first corpus; None without atheris."""
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed (`make fuzz` does it): messages from the grammar only")
        return None
    rng, corpus = Random(seed), folder / "corpus"
    corpus.mkdir()
    for number in range(CORPUS):
        (corpus / str(number)).write_bytes(bytes([number]) + (message(rng) or b"")[:4_000])
    options = [f"-seed={seed}", f"-max_total_time={round(seconds)}", f"-artifact_prefix={folder}/broken-"]
    with (folder / LOG).open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.guided", str(corpus), *options, "-print_final_stats=1"],
            stderr=log,
        )


def ended(guided: subprocess.Popen[bytes], folder: Path) -> int:
    """Wait for libFuzzer; give the number of inputs, or end with what it found."""
    guided.wait()
    told = (folder / LOG).read_text(errors="replace")
    if guided.returncode:
        print(told[-8_000:])
        for path in folder.glob("broken-*"):
            print(f"{path.name}: {path.read_bytes()!r}")
        sys.exit(1)
    return next(
        int(line.split()[-1]) for line in told.splitlines() if "stat::number_of_executed_units" in line
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=None, help="of the first round; else from the clock")
    parser.add_argument("--rounds", type=int, default=None, help="play so many rounds and no libFuzzer")
    given = parser.parse_args(arguments)
    began_s = SystemClock().monotonic()
    seed = int(SystemClock().now().timestamp()) % 1_000_000 * 1_000 if given.seed is None else given.seed
    with tempfile.TemporaryDirectory() as name:
        guided = None if given.rounds else beside(Path(name), seed, given.seconds)
        try:
            played = from_grammar(seed, given.rounds, given.seconds)
            grown = 0 if guided is None else ended(guided, Path(name))
        finally:
            if guided is not None and guided.poll() is None:
                guided.kill()
    took_s = SystemClock().monotonic() - began_s
    total = played + grown
    print(f"{total:,} inputs in {took_s:,.0f} s ({total / took_s:,.0f} a second), every promise kept:")
    print(f"{played:,} from the grammar (seeds from {seed}), {grown:,} grown by libFuzzer")


if __name__ == "__main__":
    main()
