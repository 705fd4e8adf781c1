from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.join import entry, runs
from monitor.join.runs import Run, fill, merged, pieces, put

TYPE = entry.entry_type(1)
Written = dict[int, int]
"""Times by hash: what one run says."""
WRITTEN = st.lists(
    st.dictionaries(st.integers(0, 2**64 - 1) | st.integers(0, 5), st.integers(0, 9), max_size=20), max_size=6
)


def run_of(written: Written) -> Run:
    entries = entry.blank(len(written), TYPE)
    entries["time_ms"] = list(written.values())
    return Run.of(np.array(list(written), np.uint64), entries)


def said(run: Run) -> Written:
    return dict(zip(run.hashes.tolist(), run.entries["time_ms"].tolist(), strict=True))


def latest(written: Sequence[Written]) -> Written:
    return {key: time for one in written for key, time in one.items()}


@given(WRITTEN, st.lists(st.integers(0, 7), unique=True))
def test_what_the_newest_run_says_of_an_id_counts(written: list[Written], strangers: list[int]) -> None:
    truth = latest(written)
    asked = list({*truth, *strangers})
    random.Random(1).shuffle(asked)
    entries = entry.blank(len(asked), TYPE)
    known = fill([run_of(one) for one in written], np.array(asked, np.uint64), entries)
    assert known.tolist() == [key in truth for key in asked]
    assert entries["time_ms"].tolist() == [truth.get(key, 0) for key in asked]


@given(WRITTEN)
def test_runs_put_together_say_what_they_said_apart(written: list[Written]) -> None:
    made: list[Run] = []
    for one in written:
        put(made, run_of(one))
        sizes = [len(run) for run in made]
        assert all(size >= 2 * following for size, following in pairwise(sizes))
    assert latest([said(run) for run in made]) == latest(written)
    if written:
        whole = merged(made)
        assert said(whole) == latest(written)
        assert (np.diff(whole.hashes.astype(object)) > 0).all()


def test_a_run_in_pieces_is_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    edges = [0, 1, 2**63 - 1, 2**63, 2**64 - 1]
    written = [
        dict.fromkeys([*rng.integers(0, 2**64, 300, dtype=np.uint64).tolist(), *edges], i) for i in range(3)
    ]
    for piece_rows in (1, 7, 100, 10_000):
        monkeypatch.setattr(runs, "_PIECE_ROWS", piece_rows)
        parts = list(pieces([run_of(one) for one in written]))
        assert len(parts) == 1 + 915 // piece_rows
        together = np.concatenate([part.hashes for part in parts]).tolist()
        assert together == sorted(latest(written))
        assert latest([said(part) for part in parts]) == latest(written)
