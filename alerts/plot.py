"""The picture in a message: reference against current in the same bins, and the course over time.

Drawn with matplotlib, an extra, without its global state (pyplot).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any

from alerts.document import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INCHES, DOTS = (7.6, 3.0), 130
REFERENCE, CURRENT, COURSE, ALARM = "#a7adb5", "#d9534f", "#33588f", "#d9534f"
MOST_LABELS = 7
LONGEST_LABEL = 14


@dataclass(frozen=True, slots=True)
class Bars:
    """Shares of the values in each bin, and the bins' names."""

    names: tuple[str, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]
    are_ordered: bool  # of a number: not every bin needs its name


@dataclass(frozen=True, slots=True)
class Point:
    """The share of rows that moved in one window, with its interval."""

    at_ms: int
    effect: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn of one alert. ``least`` is the effect below which nobody is told."""

    title: str
    bars: Bars
    course: tuple[Point, ...]
    alarm_ms: int
    least: float


def draw(picture: Picture) -> bytes:
    """Give the picture as PNG. Raises ImportError without matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  # an extra
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=INCHES, dpi=DOTS, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(_plain(picture.title, 90), fontsize=10)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _bars(left, picture.bars)
    _course(right, picture)
    made = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a script that the font lacks: its letters become boxes
        figure.savefig(made, format="png")
    return made.getvalue()


def _bars(axes: Axes, bars: Bars) -> None:
    places = range(len(bars.names))
    sides = (("reference", bars.reference, REFERENCE, -0.2), ("now", bars.current, CURRENT, 0.2))
    for label, shares, colour, shift in sides:
        axes.bar(
            [at + shift for at in places], [100 * share for share in shares], 0.4, color=colour, label=label
        )
    step = max(1, -(-len(bars.names) // MOST_LABELS)) if bars.are_ordered else 1
    shown = list(places)[::step]
    names = [_plain(bars.names[at], LONGEST_LABEL) for at in shown]
    axes.set_xticks(shown, names, fontsize=8, rotation=0 if bars.are_ordered else 30)
    if not bars.are_ordered:
        for written in axes.get_xticklabels():
            written.set_horizontalalignment("right")
            written.set_rotation_mode("anchor")
    axes.set_ylabel("% of values", fontsize=8)
    axes.legend(fontsize=8, frameon=False)
    _quiet(axes)


def _course(axes: Axes, picture: Picture) -> None:
    dates: Any = import_module("matplotlib.dates")  # has no types

    points = picture.course
    times: Any = [_at(point.at_ms) for point in points]
    axes.fill_between(
        times,
        [100 * p.low for p in points],
        [100 * p.high for p in points],
        color=COURSE,
        alpha=0.15,
        linewidth=0,
    )
    axes.plot(
        times, [100 * p.effect for p in points], color=COURSE, marker="o", markersize=2.5, linewidth=1.2
    )
    axes.axhline(100 * picture.least, color="#888888", linestyle=":", linewidth=1, label="min_effect")
    axes.axvline(
        dates.date2num(_at(picture.alarm_ms)), color=ALARM, linestyle="--", linewidth=1.2, label="alarm"
    )
    locator = dates.AutoDateLocator(maxticks=5)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    axes.xaxis.get_offset_text().set_fontsize(8)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("% of rows moved", fontsize=8)
    axes.legend(fontsize=8, frameon=False, loc="upper left")
    _quiet(axes)


def _quiet(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def _plain(text: str, length: int) -> str:
    """Make text that is no mathematics to matplotlib."""
    return clean(text, length).replace("$", r"\$")


def _at(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
