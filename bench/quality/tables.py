"""The figures as tables in Markdown: what is printed is what the page has."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from bench.quality.cases import COSTS, LARGE, NULLS, SHIFTS
from bench.quality.figures import Figures
from bench.quality.lines import LINES
from bench.quality.measures import Delays, FalseAlarms, Flagged, is_later

ABSENT = "-"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Render a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def all_tables(figures: Figures, now: datetime) -> dict[str, str]:
    """Give every table by its name on the page."""
    return {
        "versions": _versions(figures, now),
        "false alarms": _false_alarms(figures.nulls, {line.name: line.level for line in LINES}),
        "delays": _delays(figures.delays),
        "equal rate": _delays(figures.equal_delays),
        "equal false alarms": _false_alarms(
            figures.equal_nulls, {name: f"{level.at:.3g}" for name, level in figures.levels.items()}
        ),
        "ahead": _ahead(figures.equal_delays),
        "large": _large(figures),
        "costs": _costs(figures),
    }


def _versions(figures: Figures, now: datetime) -> str:
    rows = sorted({**figures.versions, "Python": platform.python_version()}.items(), key=str)
    rows += [(name, f"not measured: {reason}") for name, reason in figures.missing.items()]
    rows.append(
        ("measured", f"{now:%Y-%m-%d}, {platform.machine()}, {figures.cpu_s / 60.0:.0f} minutes of CPU time")
    )
    return table(("", "version"), rows)


def _false_alarms(counts: Mapping[str, Mapping[str, FalseAlarms]], levels: Mapping[str, str]) -> str:
    head = ("", "calls drift", *(case.title for case in NULLS), "windows")
    rows = [
        (
            name,
            levels.get(name, ABSENT),
            *(_rate(of_cases.get(case.name)) for case in NULLS),
            " / ".join(f"{of_cases[case.name].windows:,}" for case in NULLS if case.name in of_cases),
        )
        for name, of_cases in counts.items()
    ]
    return table(head, rows)


def _rate(counted: FalseAlarms | None) -> str:
    if counted is None or not counted.windows:
        return ABSENT
    low, high = counted.interval(counted.begun)
    begun = counted.per_thousand(counted.begun)
    if begun >= 10.0:
        return f"{counted.per_thousand(counted.alarming):.0f}; {begun:.0f} begin"
    return f"{counted.per_thousand(counted.alarming):.2g}; {begun:.2g} begin ({low:.1g} to {high:.2g})"


def _delays(delays: Mapping[str, Mapping[str, Delays]]) -> str:
    rows = []
    for case in SHIFTS:
        cells = [_delay(of_cases.get(case.name)) for of_cases in delays.values()]
        rows.append((f"{case.title} ({case.after})", *cells))
    rows.append(("streams of each kind", *(_streams(of_cases.values()) for of_cases in delays.values())))
    return table(("change (windows watched)", *delays), rows)


def _streams(found: Iterable[Delays]) -> str:
    counts = sorted({each.streams for each in found})
    if not counts:
        return ABSENT
    return f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _delay(found: Delays | None) -> str:
    if found is None or not found.streams:
        return ABSENT
    median = "never" if math.isinf(found.median) else f"{found.median:g}"
    if found.found == 1.0:
        return median
    return f"{median} ({found.found:.0%})"


def ahead(delays: Mapping[str, Mapping[str, Delays]], case: str) -> list[str]:
    """Name who finds a change first on average, then who is not surely later."""
    found = {
        name: of_cases[case]
        for name, of_cases in delays.items()
        if case in of_cases and of_cases[case].found > 0.0
    }
    names = sorted(found, key=lambda name: found[name].mean)
    return [name for name in names if not is_later(found[name], found[names[0]])]


def _ahead(delays: Mapping[str, Mapping[str, Delays]]) -> str:
    rows = []
    for case in SHIFTS:
        best = ahead(delays, case.name)
        cells = [_mean(of_cases.get(case.name)) for of_cases in delays.values()]
        rows.append((case.title, "; ".join(best) or "nobody", *cells))
    return table(("change", "ahead", *delays), rows)


def _mean(found: Delays | None) -> str:
    if found is None or not found.streams:
        return ABSENT
    return f"{found.mean:.1f} ± {found.error:.1f}" if found.error > 0.0 else f"{found.mean:.1f}"


def _large(figures: Figures) -> str:
    rows = [
        (name, *(_windows(of_cases.get(case.name)) for case in LARGE))
        for name, of_cases in figures.large.items()
    ]
    return table(("", *(case.title for case in LARGE)), rows)


def _windows(found: Flagged | None) -> str:
    if found is None:
        return ABSENT
    told = f"{found.alarming} of {found.windows}"
    return f"{told}; {found.features:g} features" if found.alarming else told


def _costs(figures: Figures) -> str:
    head = ("", *(f"{case.title} rows, ms" for case in COSTS), *(f"{case.title} rows, MB" for case in COSTS))
    rows = []
    for name, of_sizes in figures.costs.items():
        known = [of_sizes.get(case.name) for case in COSTS]
        times = [ABSENT if each is None else f"{each[0]:,.0f}" for each in known]
        peaks = [ABSENT if each is None else f"{each[1]:,.0f}" for each in known]
        rows.append((name, *times, *peaks))
    return table(head, rows)
