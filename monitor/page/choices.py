"""Links to other stretches of the same view."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.config import Model
from monitor.page import say
from monitor.page.asked import Asked, link, moment
from monitor.page.desk import Desk
from monitor.page.stretch import Stretch, stretch_until
from monitor.store.types import to_ms


@dataclass(frozen=True, slots=True)
class Choice:
    """A link, and whether it leads to what is shown."""

    text: str
    href: str
    is_here: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Range:
    """The stretch that is shown, and the links around it."""

    stretch: Stretch
    lengths: tuple[Choice, ...]
    earlier: Choice
    later: Choice | None
    permalink: str


def range_of(desk: Desk, page: str, asked: Asked, settings: Model) -> Range:
    """Give the stretch that was asked for: without a time, the latest windows that are judged."""
    judged = desk.look.models().get(asked.model)
    newest = to_ms(desk.now) if judged is None else judged
    until = newest if asked.until_ms is None else asked.until_ms
    stretch = stretch_until(settings, asked.multiple, until)
    same: dict[str, str | int | None] = {"m": asked.model, "f": asked.feature}
    lengths = tuple(
        Choice(
            say.length(settings.window.ms * multiple),
            link(page, **same, x=multiple, until=moment(asked.until_ms)),
            multiple == asked.multiple,
            stretch_until(settings, multiple, until).words,
        )
        for multiple in settings.multiples
    )
    at: dict[str, str | int | None] = {**same, "x": asked.multiple}
    after = stretch.end_ms + (stretch.end_ms - stretch.start_ms)
    later = None
    if stretch.end_ms < newest:
        later = Choice("later", link(page, **at, until=moment(after) if after < newest else None))
    return Range(
        stretch,
        lengths,
        Choice("earlier", link(page, **at, until=moment(stretch.start_ms))),
        later,
        link(page, **at, until=moment(stretch.end_ms)),
    )
