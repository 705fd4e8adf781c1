"""The table on disk: what it keeps, what it lets go of, and what a failed write leaves."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from monitor.errors import JoinError
from monitor.join import entry
from monitor.join.runs import Run, fill
from monitor.join.table import Change, JoinTable, Position
from monitor.source.base import TopicPartition

TYPE = entry.entry_type(1)
AT = TopicPartition("predictions", 0)


def opened(folder: Path) -> JoinTable:
    table = JoinTable(folder, 1 << 24, "test")
    assert table.model("m", "meaning", TYPE)
    return table


def run_of(times: dict[int, int], flags: int = entry.HAS_PREDICTION) -> Run:
    entries = entry.blank(len(times), TYPE)
    entries["time_ms"], entries["flags"] = list(times.values()), flags
    return Run.of(np.array(list(times), np.uint64), entries)


def change(times: dict[int, int], next_offset: int, before_ms: int | None = None) -> Change:
    clocks = {} if before_ms is None else {"m": before_ms}
    return Change({"m": run_of(times)}, {AT: Position(next_offset)}, {}, clocks)


def times_of(table: JoinTable, keys: range) -> dict[int, int]:
    entries = entry.blank(len(keys), TYPE)
    known = fill(table.runs("m"), np.array(keys, np.uint64), entries)
    times = entries["time_ms"].tolist()
    return {key: time for key, time, is_known in zip(keys, times, known, strict=True) if is_known}


def files_in(folder: Path) -> set[str]:
    return {path.name for path in (folder / "join-0").glob("run-*")}


@contextmanager
def no_file_longer_than(length: int) -> Iterator[None]:
    """Have the kernel refuse longer writes of this process, as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_what_was_written_is_there_after_a_restart_and_after_a_crash(tmp_path: Path) -> None:
    table = opened(tmp_path)
    truth: dict[int, int] = {}
    rng = np.random.default_rng(1)
    for step in range(30):
        times = dict.fromkeys(rng.integers(0, 500, int(rng.integers(1, 200))).tolist(), step)
        truth |= times
        table.write(change(times, step))
        assert times_of(table, range(500)) == truth
        if step % 10 == 9:
            table.close()
            (tmp_path / "join-0" / "run-999.hashes").write_bytes(b"left by a crash")
            table = opened(tmp_path)
            assert "run-999.hashes" not in files_in(tmp_path)
            assert table.positions() == {AT: Position(step)}
    assert len(files_in(tmp_path)) == 2 * len(table.runs("m"))
    assert len(table.runs("m")) <= 5
    table.close()


def test_a_write_that_fails_changes_nothing_and_can_be_made_again(tmp_path: Path) -> None:
    table = opened(tmp_path)
    table.write(change(dict.fromkeys(range(1000), 1), 1))
    with no_file_longer_than(20_000), pytest.raises(JoinError, match=r"service\.state_dir: .*join-0: .*"):
        table.write(change(dict.fromkeys(range(2000), 2), 2))
    assert table.positions() == {AT: Position(1)}
    assert times_of(table, range(2000)) == dict.fromkeys(range(1000), 1)
    table.write(change(dict.fromkeys(range(2000), 2), 2))
    assert times_of(table, range(2000)) == dict.fromkeys(range(2000), 2)
    assert len(files_in(tmp_path)) == 2
    table.close()


def test_an_old_entry_goes_only_where_no_older_one_of_its_id_would_take_its_place(tmp_path: Path) -> None:
    table = opened(tmp_path)
    table.write(change(dict.fromkeys(range(100), 50), 1))
    table.write(change({7: 10}, 2, before_ms=20))  # 7 is past the horizon, but an older run has it, too
    assert len(table.runs("m")) == 2
    assert times_of(table, range(100))[7] == 10
    table.write(change(dict.fromkeys(range(200, 300), 50), 3, before_ms=20))
    assert len(table.runs("m")) == 1
    assert 7 not in times_of(table, range(100))
    table.close()


def test_a_run_that_is_old_altogether_goes_as_it_is_with_its_features(tmp_path: Path) -> None:
    table = opened(tmp_path)
    old = run_of(dict.fromkeys(range(100), 5), entry.HAS_PREDICTION | entry.HAS_FEATURES)
    table.write(Change({"m": old}, {}, {"m": {1: b"features"}}))
    assert table.features("m", [1]) == [b"features"]
    table.write(change({500: 50}, 1, before_ms=20))
    assert (table.entries("m"), table.features("m", [1])) == (1, [None])
    assert len(files_in(tmp_path)) == 2
    table.close()


def test_a_run_that_somebody_removed_is_told(tmp_path: Path) -> None:
    table = opened(tmp_path)
    table.write(change({1: 1}, 1))
    table.close()
    for path in (tmp_path / "join-0").glob("run-*.entries"):
        path.unlink()
    table = JoinTable(tmp_path, 1 << 24, "test")
    with pytest.raises(JoinError, match=r"service\.state_dir: .*run-1\.entries"):
        table.model("m", "meaning", TYPE)
    table.close()


def test_features_go_with_the_entries_that_go_when_runs_are_put_together(tmp_path: Path) -> None:
    table = opened(tmp_path)
    kept = run_of({1: 5, 2: 50}, entry.HAS_PREDICTION | entry.HAS_FEATURES)
    table.write(Change({"m": kept}, {}, {"m": {1: b"one", 2: b"two"}}))
    table.write(change({3: 50, 4: 50}, 1, before_ms=20))
    assert times_of(table, range(5)) == {2: 50, 3: 50, 4: 50}
    assert table.features("m", [1, 2]) == [None, b"two"]
    table.close()
