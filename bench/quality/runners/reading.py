"""Streams read, judged and answered: the same for every library. Needs numpy and pandas only."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

NOT_ASKED = -1
ALL = "all"  # the answer about all features together


@dataclass(frozen=True)
class Stream:
    """A reference and the windows after it.

    ``moved`` are the features that change from window ``before`` on; none where nothing changes. A window has
    ``rows`` rows and takes ``hours``.
    """

    name: str
    checksum: str
    features: tuple[str, ...]
    categorical: tuple[str, ...]
    moved: tuple[str, ...]
    before: int
    rows: int
    hours: int
    reference_values: Any
    window_values: Any

    @property
    def reference(self) -> pd.DataFrame:
        return self._frame(self.reference_values)

    def __len__(self) -> int:
        return len(self.window_values)

    def window(self, number: int) -> pd.DataFrame:
        return self._frame(self.window_values[number])

    def windows(self, first: int = 0) -> Iterator[tuple[int, pd.DataFrame]]:
        yield from ((number, self.window(number)) for number in range(first, len(self)))

    @property
    def asked(self) -> tuple[str, ...]:
        """The features that have to be looked at when each is judged for itself."""
        return self.moved or self.features

    def _frame(self, values: Any) -> pd.DataFrame:
        plain = len(self.features) - len(self.categorical)
        columns: dict[str, Any] = {
            name: values[:, at].astype(np.float64) for at, name in enumerate(self.features[:plain])
        }
        names = np.array([f"c{i}" for i in range(100)], dtype=object)
        for at, name in enumerate(self.categorical, plain):
            columns[name] = names[values[:, at].astype(int)]
        return pd.DataFrame(columns)


class Answers:
    """What was said of each window and feature: an alarm or not, and how sure (more is surer)."""

    def __init__(self, stream: Stream) -> None:
        shape = (len(stream), len(stream.features) + 1)
        self.alarm = np.full(shape, NOT_ASKED, np.int8)
        self.score = np.full(shape, np.nan)
        self._places = {name: at for at, name in enumerate((*stream.features, ALL))}

    def say(self, window: int, feature: str, is_alarm: bool, score: float = float("nan")) -> None:
        place = self._places[feature]
        self.alarm[window, place] = is_alarm
        self.score[window, place] = score


class Judge(Protocol):
    """A library at work."""

    def begin(self, stream: Stream) -> None:
        """Learn the reference."""

    def judge(self, stream: Stream, answers: Answers) -> None:
        """Judge the windows."""


def surprise(p_value: float) -> float:
    """A p-value as a score."""
    return float(-np.log10(max(p_value, 1e-300)))


def streams(folder: Path) -> Iterator[Stream]:
    """Read the streams in the order in which they are listed."""
    listed = json.loads((folder / "streams.json").read_text())
    for facts in listed["streams"]:
        yield Stream(
            facts["name"],
            facts["checksum"],
            tuple(listed["features"]),
            tuple(listed["categorical"]),
            tuple(facts["moved"]),
            facts["before"],
            facts["rows"],
            facts["hours"],
            np.load(folder / f"{facts['name']}_reference.npy", mmap_mode="r"),
            np.load(folder / f"{facts['name']}_windows.npy", mmap_mode="r"),
        )


def run(judge: Judge, packages: Sequence[str]) -> None:
    """Judge all streams: FOLDER, FOLDER of the answers.

    Streams whose answers are there already are passed over.
    """
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    versions = {name: version(name) for name in packages}
    (out / "versions.json").write_text(json.dumps(versions))
    for stream in streams(folder):
        path = out / f"{stream.name}-{stream.checksum}.npz"
        if path.exists():
            continue
        answers = Answers(stream)
        judge.begin(stream)
        before = time.process_time()
        judge.judge(stream, answers)
        _write(path, stream, answers, time.process_time() - before)


def _write(path: Path, stream: Stream, answers: Answers, cpu_s: float) -> None:
    """Write at once what is known of a stream, so that whoever is stopped has done what it has done."""
    unfinished = path.with_suffix(".unfinished.npz")
    np.savez_compressed(
        unfinished,
        alarm=answers.alarm,
        score=answers.score,
        ms_a_window=1_000.0 * cpu_s / (len(stream) - stream.before),
        peak_mb=_peak_mb(),
    )
    unfinished.rename(path)


def _peak_mb() -> float:
    """The most memory that this process has had; getrusage would count what its parent had."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return float(line.split()[1]) / 1024.0
    return float("nan")
