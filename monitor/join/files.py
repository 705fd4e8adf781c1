"""Runs of entries as files, two for each: hashes, and entries. Written once, read as memory."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np

from monitor.join.entry import Entries
from monitor.join.runs import Run

_HASHES, _ENTRIES = "hashes", "entries"
_HASH = np.dtype("<u8")


def read(folder: Path, number: int, count: int, dtype: np.dtype[np.void]) -> Run:
    """Map a run into memory; raises OSError or ValueError when it is not there as it was written."""
    hashes = np.memmap(_path(folder, number, _HASHES), _HASH, "r", shape=(count,))
    entries: Entries = np.memmap(_path(folder, number, _ENTRIES), dtype, "r", shape=(count,))
    return Run(np.asarray(hashes), np.asarray(entries))


def write(folder: Path, number: int, pieces: Iterable[Run], *, is_synced: bool) -> int:
    """Write a run, whose pieces ascend; give the number of its entries."""
    count = 0
    with (
        _path(folder, number, _HASHES).open("wb") as hashes,
        _path(folder, number, _ENTRIES).open("wb") as rows,
    ):
        for piece in pieces:
            hashes.write(piece.hashes.tobytes())
            rows.write(piece.entries.tobytes())
            count += len(piece)
        if is_synced:
            hashes.flush()
            rows.flush()
            os.fsync(hashes.fileno())
            os.fsync(rows.fileno())
    return count


def remove(folder: Path, number: int) -> None:
    """Remove a run; who has it mapped may go on reading it."""
    for part in (_HASHES, _ENTRIES):
        _path(folder, number, part).unlink(missing_ok=True)


def remove_others(folder: Path, numbers: Collection[int]) -> None:
    """Remove what a crash has left: runs that no table knows of."""
    for path in folder.glob("run-*"):
        if int(path.stem.removeprefix("run-")) not in numbers:
            path.unlink()


def sync(folder: Path) -> None:
    """Put all runs on the disk, whatever happens to the machine."""
    for path in folder.glob("run-*"):
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _path(folder: Path, number: int, part: str) -> Path:
    return folder / f"run-{number}.{part}"
