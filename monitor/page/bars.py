"""A feature's values in the reference and in a window, side by side on the same bins."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from detectors.bins import Bin
from monitor.page import say
from monitor.page.svg import element, picture, title

HEIGHT = 100.0
WIDE = 10.0


@dataclass(frozen=True, slots=True)
class Histogram:
    """A picture with the labels of its bins' ends."""

    svg: Markup
    shares: tuple[str, ...]
    values: tuple[str, ...]


def bin_name(one: Bin) -> str:
    """Say in words what is in a bin."""
    if one.name:
        return f"{one.name} ({one.others})" if one.others else one.name
    if one.low == one.high:
        return say.number(one.low)
    if math.isinf(one.low):
        return f"under {say.number(one.high)}"
    if math.isinf(one.high):
        return f"{say.number(one.low)} and over"
    return f"{say.number(one.low)} to {say.number(one.high)}"


def histogram(bins: Sequence[Bin], label: str) -> Histogram:
    """Draw numeric bins, the reference as a filled shape, the window as outlined bars."""
    top = max((max(one.reference, one.current) for one in bins), default=0.0) or 1.0
    parts = (part for at, one in enumerate(bins) for part in _bars(one, at, top))
    svg = picture(WIDE * max(len(bins), 1), HEIGHT, label, parts, class_="plot")
    ends = [bin_name(bins[0]), bin_name(bins[len(bins) // 2]), bin_name(bins[-1])] if bins else []
    return Histogram(svg, (say.percent(top), "0"), tuple(ends))


def _bars(one: Bin, at: int, top: float) -> Iterator[Markup]:
    x = at * WIDE
    before, now = (HEIGHT * share / top for share in (one.reference, one.current))
    yield element("rect", class_="bar reference", x=x, y=HEIGHT - before, width=WIDE, height=before)
    yield element(
        "rect", class_="bar current", x=x + WIDE * 0.2, y=HEIGHT - now, width=WIDE * 0.6, height=now
    )
    text = f"{bin_name(one)}\nreference {say.percent(one.reference)}, window {say.percent(one.current)}"
    yield element("rect", title(text), class_="pane", x=x, y=0, width=WIDE, height=HEIGHT)


def pair(one: Bin, top: float) -> Markup:
    """Draw a category's two shares as lying bars."""
    label = f"reference {say.percent(one.reference)}, window {say.percent(one.current)}"
    parts = (
        element("rect", class_="bar reference", x=0, y=0, width=100 * one.reference / top, height=5),
        element("rect", class_="bar current", x=0, y=5, width=100 * one.current / top, height=5),
    )
    return picture(100, 10, label, parts, class_="pair")
