"""Pictures of the figures, as SVG written by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from bench.quality.cases import NULLS, SHIFTS
from bench.quality.figures import Figures

WIDTH, LEFT, RIGHT, TOP, ROW = 860, 290, 20, 62, 30
COLOURS = ("#d62728", "#1f77b4", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b", "#17becf", "#e377c2", "#7f7f7f")
FONT = "font-family='sans-serif' font-size='13'"


@dataclass(frozen=True, slots=True)
class Axis:
    """A logarithmic axis with these marks."""

    title: str
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Give the place of a value, in pixels; what lies outside is put to the end."""
        low, high = math.log10(self.ticks[0]), math.log10(self.ticks[-1])
        share = (math.log10(max(value, self.ticks[0])) - low) / (high - low)
        return LEFT + min(share, 1.0) * (WIDTH - LEFT - RIGHT)


def all_plots(figures: Figures) -> dict[str, str]:
    """Give every picture by the name of its file."""
    false_alarms = {
        name: [
            counted.per_thousand(counted.alarming) if (counted := of_cases.get(case.name)) else math.nan
            for case in NULLS
        ]
        for name, of_cases in figures.nulls.items()
    }
    delays = {
        name: [of_cases[case.name].mean if case.name in of_cases else math.nan for case in SHIFTS]
        for name, of_cases in figures.equal_delays.items()
    }
    return {
        "comparison-false-alarms.svg": dots(
            [case.title for case in NULLS],
            false_alarms,
            Axis(
                "windows with a false alarm in 1,000, at defaults (0.1: or fewer)",
                (0.1, 1.0, 10.0, 100.0, 1000.0),
            ),
        ),
        "comparison-delays.svg": dots(
            [case.title for case in SHIFTS],
            delays,
            Axis("windows until found, on average, at equal false alarms", (1.0, 2.0, 5.0, 10.0, 20.0, 60.0)),
        ),
    }


def dots(rows: Sequence[str], series: Mapping[str, Sequence[float]], axis: Axis) -> str:
    """Draw a line of dots for each row, one dot a series."""
    legend_rows = -(-len(series) // 4)
    top = TOP + 20 * legend_rows
    height = top + ROW * len(rows) + 12
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' {FONT}>",
        f"<rect width='{WIDTH}' height='{height}' fill='white'/>",
        *_legend(list(series)),
        f"<text x='{LEFT}' y='{top - 28}'>{escape(axis.title)}</text>",
        *_ticks(axis, top, height),
    ]
    for number, row in enumerate(rows):
        y = top + ROW * number + ROW / 2
        parts.append(f"<text x='{LEFT - 12}' y='{y + 4:.0f}' text-anchor='end'>{escape(row)}</text>")
        parts.append(f"<line x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{y:.0f}' y2='{y:.0f}' stroke='#e5e5e5'/>")
        parts.extend(_dots([values[number] for values in series.values()], axis, y))
    return "\n".join((*parts, "</svg>", ""))


def _legend(names: Sequence[str]) -> list[str]:
    parts = []
    for number, name in enumerate(names):
        x, y = 14 + number % 4 * 210, 16 + number // 4 * 20
        parts.append(f"<circle cx='{x}' cy='{y}' r='6' fill='{COLOURS[number % len(COLOURS)]}'/>")
        parts.append(f"<text x='{x + 11}' y='{y + 4}'>{escape(name)}</text>")
    return parts


def _ticks(axis: Axis, top: int, height: int) -> list[str]:
    parts = []
    for tick in axis.ticks:
        x = axis.at(tick)
        parts.append(f"<line x1='{x:.0f}' x2='{x:.0f}' y1='{top - 4}' y2='{height - 10}' stroke='#ccc'/>")
        parts.append(f"<text x='{x:.0f}' y='{top - 9}' text-anchor='middle'>{tick:g}</text>")
    return parts


def _dots(values: Sequence[float], axis: Axis, y: float) -> list[str]:
    """Draw one row, the first series last, so that it lies on top."""
    parts = []
    for number, value in reversed(list(enumerate(values))):
        if not math.isnan(value):
            shift = 3.0 * (number % 3 - 1)
            parts.append(
                f"<circle cx='{axis.at(value):.1f}' cy='{y + shift:.1f}' r='6' fill-opacity='0.8' "
                f"fill='{COLOURS[number % len(COLOURS)]}'/>"
            )
    return parts
