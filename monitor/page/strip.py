"""A feature's windows side by side, coloured by how many rows moved."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from detectors.result import Verdict
from monitor.page import say
from monitor.page.svg import element, picture, title

STEPS = (0.05, 0.1, 0.2, 0.3, 0.5)
"""Where colours change above ``min_effect``, in shares of rows."""
HEIGHT = 10


@dataclass(frozen=True, slots=True)
class Cell:
    """What is known of a feature in one window."""

    column: int
    start_ms: int
    effect: float | None
    verdict: str


def colour(effect: float | None, least: float) -> str:
    """Give the class of a colour: e0 for what is too small to matter, up to e6; none without an effect."""
    if effect is None:
        return "none"
    return f"e{0 if effect < least else 1 + bisect_right([step for step in STEPS if step > least], effect)}"


def legend(least: float) -> tuple[tuple[str, str], ...]:
    """Give each colour and from where on it is used, in words."""
    steps = [least, *(step for step in STEPS if step > least)]
    first = (("e0", f"under {say.percent(least)}"),) if least else ()
    return (*first, *((f"e{i}", f"{say.percent(step)} +") for i, step in enumerate(steps, 1)))


def strip(cells: Sequence[Cell], columns: int, least: float, label: str) -> Markup:
    """Draw the windows: pale where a test found nothing, with a mark below where it found drift."""
    return picture(columns, HEIGHT, label, (_cell(cell, least) for cell in cells), class_="strip")


def _cell(cell: Cell, least: float) -> Markup:
    effect = "no effect known" if cell.effect is None else f"{say.percent(cell.effect)} of rows moved"
    told = title(f"{say.stamp(cell.start_ms)} UTC: {effect}, {cell.verdict}")
    soft = " soft" if cell.verdict == Verdict.OK else ""
    box = element("rect", class_=colour(cell.effect, least) + soft, x=cell.column, width=1, height=HEIGHT)
    if cell.verdict != Verdict.DRIFT:
        return element("g", told, box)
    mark = element("rect", class_="mark", x=cell.column, y=HEIGHT - 2, width=1, height=2)
    return element("g", told, box, mark)
