"""Runs that are written anew: which they replace, and what is let go of on the way. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.join.entry import HAS_FEATURES
from monitor.join.runs import Run, latest_ms
from monitor.windows import NEVER_MS


@dataclass(frozen=True, slots=True)
class Stored:
    """A run on the disk, and the last time in it."""

    number: int
    run: Run
    latest_ms: int


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A run that was written, what it replaces, and all runs then; ``left`` are ids whose features go."""

    replaced: Sequence[Stored]
    fresh: Stored
    runs: list[Stored]
    left: Sequence[int]
    dropped: int


class Thinned:
    """Lets go of what is older than some time, and notes what of it had features."""

    def __init__(self, before_ms: int) -> None:
        self._before_ms = before_ms
        self.dropped = 0
        self.latest_ms = NEVER_MS
        self.sampled: list[int] = []

    def of(self, piece: Run) -> Run:
        latest = latest_ms(piece.entries)
        is_old = latest < self._before_ms
        if is_old.any():
            self.sampled += sampled(piece.take(is_old))
            self.dropped += int(is_old.sum())
            piece, latest = piece.take(~is_old), latest[~is_old]
        self.latest_ms = max(self.latest_ms, int(latest.max(initial=NEVER_MS)))
        return piece


def sampled(run: Run) -> list[int]:
    """Give the ids whose features are kept."""
    chosen: list[int] = run.hashes[(run.entries["flags"] & HAS_FEATURES) != 0].tolist()
    return chosen
