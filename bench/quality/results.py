"""What runners have answered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.quality.cases import FEATURES, Case
from bench.quality.lines import Line
from bench.quality.measures import Flags, Floats
from bench.quality.streams import moved_features


@dataclass(frozen=True, slots=True)
class Answered:
    """One stream's answers: windows by features, the last column about all together; and what they cost."""

    number: int
    alarm: NDArray[np.int8]
    score: Floats
    ms_a_window: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Result:
    """All answers of one runner, and the versions of its packages."""

    versions: dict[str, str]
    answered: dict[str, Answered]

    def of(self, case: Case) -> Iterator[Answered]:
        """Give the streams of a case that were judged."""
        for number in range(case.streams):
            found = self.answered.get(f"{case.name}_{number:03d}")
            if found is not None:
                yield found

    def alarms(self, case: Case, line: Line) -> list[Flags]:
        """Give the alarms of each stream."""
        return [line.chosen(each.alarm) > 0 for each in self.of(case)]

    def scores(self, case: Case, line: Line) -> list[Floats]:
        """Give the scores of each stream."""
        return [line.chosen(each.score) for each in self.of(case)]

    def found(self, case: Case, line: Line) -> dict[int, tuple[Flags, Floats, list[int]]]:
        """Give for each stream alarms and scores of what moved, and in which columns that is."""
        streams = {}
        for each in self.of(case):
            places = line.places(moved_features(case, each.number), FEATURES)
            alarms, scores = line.chosen(each.alarm) > 0, line.chosen(each.score)
            streams[each.number] = (alarms[:, places], scores[:, places], places)
        return streams

    def cpu_s(self, cases: Sequence[Case]) -> float:
        """Give the time that judging these cases took."""
        return sum(
            each.ms_a_window / 1_000.0 * (len(each.alarm) - case.before)
            for case in cases
            for each in self.of(case)
        )

    def is_asked(self, case: Case, line: Line) -> bool:
        """Tell whether the line's own question was put to the runner in this case."""
        return any((line.chosen(each.alarm) >= 0).any() for each in self.of(case))


def read(out: Path, folder: Path) -> Result | None:
    """Read what a runner has written of the streams in a folder; None if it has not begun."""
    if not (out / "versions.json").exists():
        return None
    answered = {}
    for facts in json.loads((folder / "streams.json").read_text())["streams"]:
        path = out / f"{facts['name']}-{facts['checksum']}.npz"
        if path.exists():
            with np.load(path) as arrays:
                answered[facts["name"]] = Answered(
                    facts["number"],
                    arrays["alarm"],
                    arrays["score"],
                    float(arrays["ms_a_window"]),
                    float(arrays["peak_mb"]),
                )
    return Result(json.loads((out / "versions.json").read_text()), answered)
