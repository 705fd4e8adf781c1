"""What pictures of values over time show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.page.scale import Scale
from monitor.page.stretch import Stretch


@dataclass(frozen=True, slots=True)
class Point:
    """What is known of one window; ``is_bad`` draws attention to it."""

    start_ms: int
    value: float
    low: float | None = None
    high: float | None = None
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """Points over time, with their intervals; ``style`` is a class."""

    name: str
    style: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Level:
    """A value that others are compared with."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which something held, such as an alert."""

    start_ms: int
    end_ms: int
    text: str


def joined(spans: Iterable[Span]) -> list[Span]:
    """Put spans together that overlap: what lies over each other would look like more."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start_ms):
        if found and span.start_ms <= found[-1].end_ms:
            last = found.pop()
            end, text = max(last.end_ms, span.end_ms), f"{last.text}\n{span.text}"
            found.append(Span(last.start_ms, end, text))
        else:
            found.append(span)
    return found


@dataclass(frozen=True, slots=True)
class Drawn:
    """Everything that one picture shows."""

    stretch: Stretch
    scale: Scale
    series: Sequence[Series]
    levels: Sequence[Level]
    spans: Sequence[Span]
