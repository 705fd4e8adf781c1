"""All figures of one run, computed from the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bench.quality.cases import LARGE, NULLS, SHIFTS, Case
from bench.quality.lines import LINES, OURS, Line, Scale
from bench.quality.measures import (
    Delays,
    FalseAlarms,
    Flagged,
    delay,
    false_alarms,
    flagged,
    summary,
    threshold,
    units,
)
from bench.quality.results import Result


@dataclass(frozen=True, slots=True)
class Level:
    """A score, in units of each feature, above which there is an alarm."""

    at: float
    units: tuple[float, ...]
    null_windows: int


@dataclass(frozen=True, slots=True)
class Figures:
    """By line and case: at the libraries' defaults, and ``equal`` at driftd's own rate of false alarms.

    ``costs`` are CPU milliseconds a window and the peak of the process in MB, by runner and rows;
    ``cpu_s`` is the time of all answers together.
    """

    rate: float
    nulls: Mapping[str, Mapping[str, FalseAlarms]]
    delays: Mapping[str, Mapping[str, Delays]]
    equal_nulls: Mapping[str, Mapping[str, FalseAlarms]]
    equal_delays: Mapping[str, Mapping[str, Delays]]
    large: Mapping[str, Mapping[str, Flagged]]
    levels: Mapping[str, Level]
    costs: Mapping[str, Mapping[str, tuple[float, float]]]
    versions: Mapping[str, str]
    cpu_s: float
    missing: Mapping[str, str] = field(default_factory=dict)


def compute(
    results: Mapping[str, Result],
    costs: Mapping[str, Result],
    missing: Mapping[str, str],
    nulls: tuple[Case, ...] = NULLS,
    shifts: tuple[Case, ...] = SHIFTS,
    large: tuple[Case, ...] = LARGE,
) -> Figures:
    """Compute everything; runners that gave no result are in ``missing`` with the reason."""
    there = [line for line in LINES if line.runner in results]
    ours = false_alarms(results[OURS.runner].alarms(nulls[0], OURS))
    levels = {
        line.name: level
        for line in there
        if (level := _level(results[line.runner], line, nulls[0], ours.begun_rate)) is not None
    }
    return Figures(
        rate=ours.begun_rate,
        nulls={line.name: _null_counts(results[line.runner], line, nulls) for line in there},
        delays={line.name: _delays(results[line.runner], line, shifts) for line in there},
        equal_nulls={
            line.name: _null_counts(results[line.runner], line, nulls, levels.get(line.name))
            for line in there
            if line.name in levels or line is OURS
        },
        equal_delays={
            line.name: _delays(results[line.runner], line, shifts, levels.get(line.name))
            for line in there
            if line.name in levels or line is OURS
        },
        large={
            line.name: {
                case.name: flagged(results[line.runner].alarms(case, line))
                for case in large
                if results[line.runner].is_asked(case, line)
            }
            for line in there
        },
        levels=levels,
        costs={name: _costs(result) for name, result in costs.items()},
        versions={name: version for result in results.values() for name, version in result.versions.items()},
        cpu_s=sum(result.cpu_s((*nulls, *shifts, *large)) for result in results.values()),
        missing=missing,
    )


def _level(result: Result, line: Line, null: Case, rate: float) -> Level | None:
    """Find the threshold that gives this rate of false alarms; None where there is nothing to be set."""
    scores = result.scores(null, line)
    if line.scale is Scale.NONE or not scores:
        return None
    unit = units(scores) if line.scale is Scale.OWN else np.ones(scores[0].shape[1])
    at = threshold([each / unit for each in scores], rate)
    return Level(at, tuple(unit.tolist()), sum(len(each) for each in scores))


def _null_counts(
    result: Result, line: Line, cases: tuple[Case, ...], level: Level | None = None
) -> dict[str, FalseAlarms]:
    counts = {}
    for case in cases:
        if level is None:
            alarms = result.alarms(case, line)
        else:
            alarms = [each / np.array(level.units) > level.at for each in result.scores(case, line)]
        if result.is_asked(case, line):
            counts[case.name] = false_alarms(alarms)
    return counts


def _delays(
    result: Result, line: Line, cases: tuple[Case, ...], level: Level | None = None
) -> dict[str, Delays]:
    found = {}
    for case in cases:
        values = {}
        for number, (alarms, scores, places) in result.found(case, line).items():
            is_alarm = alarms
            if level is not None:
                is_alarm = scores / np.array(level.units)[places] > level.at
            values[number] = delay(is_alarm, case.before)
        if result.is_asked(case, line):
            found[case.name] = summary(values, case.after)
    return found


def _costs(result: Result) -> dict[str, tuple[float, float]]:
    return {
        name.rsplit("_", 1)[0]: (each.ms_a_window, each.peak_mb) for name, each in result.answered.items()
    }
