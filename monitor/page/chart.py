"""Values over time. The picture stretches to its box; its labels stand beside it, legible at any width."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from monitor.page import say
from monitor.page.scale import Scale, scale_of
from monitor.page.series import Drawn, Level, Point, Series, Span, joined
from monitor.page.stretch import Stretch
from monitor.page.svg import element, number, picture, title
from monitor.page.zoomable import figures

WIDTH, HEIGHT = 1000.0, 100.0
LABELS = 5


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture with the labels of its axes, from the top and from the left, and its ``figures`` as JSON."""

    name: str
    svg: Markup
    values: tuple[str, ...]
    times: tuple[int, ...]
    legend: tuple[tuple[str, str], ...]
    figures: str


def chart(
    name: str,
    stretch: Stretch,
    series: Sequence[Series],
    written: Callable[[float], str],
    *,
    levels: Sequence[Level] = (),
    spans: Sequence[Span] = (),
    at_least: tuple[float, ...] = (),
    label: str = "",
) -> Chart:
    """Draw series on one scale, which reaches at least to the given values."""
    scale = scale_of([*_drawn(series), *(level.value for level in levels), *at_least])
    canvas, spans = _Canvas(stretch, scale), joined(spans)
    parts = [
        *canvas.grid(),
        *(canvas.span(span) for span in spans),
        *(canvas.level(level) for level in levels),
        *(part for one in series for part in canvas.series(one)),
        *canvas.readings(series, written),
    ]
    times = tuple(
        stretch.start_ms + i * (stretch.end_ms - stretch.start_ms) // (LABELS - 1) for i in range(LABELS)
    )
    legend = [(one.style, one.name) for one in series if one.points]
    legend += [("level", f"{level.name} {written(level.value)}") for level in levels]
    legend += [("span", "alert open")] if spans else []
    values = tuple(written(tick) for tick in reversed(scale.ticks))
    svg = picture(WIDTH, HEIGHT, label or name, parts, class_="plot")
    drawn = Drawn(stretch, scale, series, levels, spans)
    return Chart(name, svg, values, times, tuple(legend), figures(drawn, written))


def _drawn(series: Iterable[Series]) -> Iterator[float]:
    """Give every value that has to be in sight; intervals may be cut off when they are far wider."""
    for one in series:
        for point in one.points:
            yield from (each for each in (point.value, point.low, point.high) if each is not None)


@dataclass(frozen=True, slots=True)
class _Canvas:
    stretch: Stretch
    scale: Scale
    height: float = field(default=HEIGHT)

    def x(self, at_ms: float) -> float:
        share = (at_ms - self.stretch.start_ms) / (self.stretch.end_ms - self.stretch.start_ms)
        return WIDTH * min(max(share, 0.0), 1.0)

    def middle(self, start_ms: int) -> float:
        return self.x(start_ms + self.stretch.length_ms / 2)

    def y(self, value: float) -> float:
        return self.scale.at(value, self.height)

    def grid(self) -> Iterator[Markup]:
        for tick in self.scale.ticks:
            y = self.y(tick)
            yield element("line", class_="grid", x1=0, x2=WIDTH, y1=y, y2=y)

    def level(self, level: Level) -> Markup:
        y = self.y(level.value)
        return element("line", title(level.name), class_="level", x1=0, x2=WIDTH, y1=y, y2=y)

    def span(self, span: Span) -> Markup:
        begin, end = self.x(span.start_ms), self.x(span.end_ms)
        width = max(end - begin, 2.0)
        return element("rect", title(span.text), class_="span", x=begin, y=0, width=width, height=self.height)

    def series(self, one: Series, dots: tuple[bool, ...] = (False, True)) -> Iterator[Markup]:
        """Draw a series, with dots of points that are bad, or not, or both."""
        runs = list(_runs(one.points, self.stretch.length_ms))
        for run in runs:
            if band := self._band(run):
                yield element("path", class_=f"band {one.style}", d=band)
        line = "".join(self._line(run) for run in runs if len(run) > 1)
        yield element("path", class_=f"line {one.style}", d=line)
        for is_bad in dots:
            drawn = "".join(f"M{self._at(point)}h0" for point in one.points if point.is_bad is is_bad)
            if drawn:
                yield element("path", class_=f"dot {one.style}{' bad' if is_bad else ''}", d=drawn)

    def readings(self, series: Sequence[Series], written: Callable[[float], str]) -> Iterator[Markup]:
        """Lay a pane over each window that says what is drawn there."""
        told: dict[int, list[str]] = {}
        for one in series:
            for point in one.points:
                told.setdefault(point.start_ms, []).append(f"{one.name}: {_reading(point, written)}")
        width = WIDTH * self.stretch.length_ms / (self.stretch.end_ms - self.stretch.start_ms)
        for start_ms, texts in sorted(told.items()):
            text = title(f"{say.stamp(start_ms)} UTC\n" + "\n".join(texts))
            yield element(
                "rect", text, class_="pane", x=self.x(start_ms), y=0, width=width, height=self.height
            )

    def _at(self, point: Point) -> str:
        return f"{number(self.middle(point.start_ms))} {number(self.y(point.value))}"

    def _line(self, run: Sequence[Point]) -> str:
        return "M" + "L".join(self._at(point) for point in run)

    def _band(self, run: Sequence[Point]) -> str:
        known = [
            (point, point.low, point.high)
            for point in run
            if point.low is not None and point.high is not None
        ]
        if not known:
            return ""
        up = [f"{number(self.middle(point.start_ms))} {number(self.y(high))}" for point, _, high in known]
        down = [
            f"{number(self.middle(point.start_ms))} {number(self.y(low))}"
            for point, low, _ in reversed(known)
        ]
        return f"M{'L'.join(up + down)}Z"


def _runs(points: Sequence[Point], length_ms: int) -> Iterator[list[Point]]:
    """Part the points where windows are missing: a line over a gap would claim to know."""
    run: list[Point] = []
    for point in points:
        if run and point.start_ms - run[-1].start_ms > length_ms:
            yield run
            run = []
        run.append(point)
    if run:
        yield run


def _reading(point: Point, written: Callable[[float], str]) -> str:
    if point.low is None or point.high is None:
        return written(point.value)
    return f"{written(point.value)} ({written(point.low)} to {written(point.high)})"


def spark(stretch: Stretch, points: Sequence[Point], label: str) -> Markup:
    """Draw a line without axes, from zero up."""
    canvas = _Canvas(stretch, scale_of([0.0, 0.1, *(point.value for point in points)]), 24.0)
    parts = canvas.series(Series("", "effect", points), dots=(True,))
    return picture(WIDTH, 24, label, parts, class_="spark")
