"""Entries in sorted runs, newest last: searched, put together and thinned in bulk. Pure.

A run is never changed. What is known of an id is in the newest run that has it. Runs of like size are put
together, so that there are few of them and each entry is copied a few times only: the log-structured merge
tree of O'Neil, Cheng, Gawlick and O'Neil, Acta Informatica 33 (1996).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from monitor.join.entry import Entries

_GROWTH = 2
"""A run stays as it is while it is this many times as large as what comes after it."""
_PIECE_ROWS = 1 << 18


@dataclass(frozen=True, slots=True)
class Run:
    """Hashes of ids, ascending and each once, and the entry of each."""

    hashes: NDArray[np.uint64]
    entries: Entries

    @classmethod
    def of(cls, hashes: NDArray[np.uint64], entries: Entries) -> Run:
        """Sort what has each id once."""
        order = np.argsort(hashes)
        return cls(hashes[order], entries[order])

    def __len__(self) -> int:
        return len(self.hashes)

    def between(self, first: int, last: int) -> Run:
        """Give what lies from one hash to another one, both included; nothing is copied."""
        start = np.searchsorted(self.hashes, np.uint64(first))
        end = np.searchsorted(self.hashes, np.uint64(last), side="right")
        return Run(self.hashes[start:end], self.entries[start:end])

    def take(self, chosen: NDArray[np.bool_]) -> Run:
        return Run(self.hashes[chosen], self.entries[chosen])


def fill(runs: Sequence[Run], hashes: NDArray[np.uint64], entries: Entries) -> NDArray[np.bool_]:
    """Put what the runs know of these ids into ``entries``, and tell which ids they know."""
    known = np.zeros(len(hashes), np.bool_)
    order = np.argsort(hashes)  # sorted questions go through a run once, from its start to its end
    wanted = hashes[order]
    for run in reversed(runs):
        if not len(run) or not len(wanted):
            continue
        at = np.searchsorted(run.hashes, wanted)
        at[at == len(run)] = 0  # which is another id
        is_here = run.hashes[at] == wanted
        if is_here.any():
            here = order[is_here]
            entries[here] = run.entries[at[is_here]]
            known[here] = True
            order, wanted = order[~is_here], wanted[~is_here]
    return known


def merged(runs: Sequence[Run]) -> Run:
    """Put runs together; of an id that several have, the last of them counts."""
    return reduce(_merged, runs)


def _merged(older: Run, newer: Run) -> Run:
    hashes = np.concatenate([older.hashes, newer.hashes])
    order = np.argsort(hashes, kind="stable")
    hashes = hashes[order]
    is_last = np.append(hashes[1:] != hashes[:-1], True)[: len(hashes)]
    return Run(hashes[is_last], np.concatenate([older.entries, newer.entries])[order[is_last]])


def pieces(runs: Sequence[Run]) -> Iterator[Run]:
    """Put runs together a piece at a time, ascending, so that memory does not grow with them."""
    count = 1 + sum(map(len, runs)) // _PIECE_ROWS
    edges = [number * 2**64 // count for number in range(count + 1)]
    for first, following in pairwise(edges):
        yield merged([run.between(first, following - 1) for run in runs])


def kept(sizes: Sequence[int], added: int) -> int:
    """How many runs of these sizes stay when one of size ``added`` comes; it takes in the rest."""
    number = len(sizes)
    while number and sizes[number - 1] < _GROWTH * added:
        number -= 1
        added += sizes[number]
    return number


def put(runs: list[Run], run: Run) -> None:
    """Add a run to a list, and put together what has become of like size."""
    stays = kept([len(each) for each in runs], len(run))
    runs[stays:] = [merged([*runs[stays:], run])]


def latest_ms(entries: Entries) -> NDArray[np.int64]:
    """Give the last time at which anything is known to have happened to each id."""
    latest: NDArray[np.int64] = np.maximum(entries["time_ms"], entries["label_time_ms"])
    return latest
