"""Scales, strips and charts, without a database."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config import Model
from monitor.page import say
from monitor.page.asked import Asked, NotHereError, link, moment
from monitor.page.chart import chart
from monitor.page.scale import scale_of
from monitor.page.series import Level, Point, Series, Span
from monitor.page.stretch import COLUMNS, stretch_until
from monitor.page.strip import Cell, colour, legend, strip
from monitor.page.svg import element
from tests.monitor.page.reading import parsed

HOUR_MS = 3_600_000
MODEL = Model(topics=("t",))
START_MS = 1_772_323_200_000
STRETCH = stretch_until(MODEL, 1, START_MS + COLUMNS * HOUR_MS)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20))
def test_a_scale_holds_every_value_and_has_few_even_ticks(values: list[float]) -> None:
    scale = scale_of(values)
    slack = 1e-6 * max(1.0, *map(abs, values))
    assert scale.low <= min(values) + slack
    assert scale.high >= max(values) - slack
    assert 2 <= len(scale.ticks) <= 8
    assert 0 <= scale.at(values[0], 100.0) <= 100


def test_a_scale_begins_and_ends_with_round_numbers() -> None:
    assert scale_of([0.0, 0.37]).ticks == pytest.approx((0, 0.1, 0.2, 0.3, 0.4))
    assert scale_of([0.0]).ticks[0] == 0


def test_windows_are_aligned_as_they_are_judged() -> None:
    stretch = stretch_until(MODEL, 4, START_MS + 5 * HOUR_MS)
    assert stretch.end_ms == START_MS + 8 * HOUR_MS
    assert len(stretch.starts) == COLUMNS
    assert stretch.column(stretch.starts[-1]) == COLUMNS - 1
    assert not stretch.start_ms % stretch.length_ms


def test_what_is_too_small_to_matter_has_the_first_colour() -> None:
    assert [colour(effect, 0.02) for effect in (None, 0.0, 0.019, 0.02, 0.05, 0.3, 0.9)] == [
        "none", "e0", "e0", "e1", "e2", "e5", "e6",
    ]  # fmt: skip
    assert [style for style, _ in legend(0.02)] == ["e0", "e1", "e2", "e3", "e4", "e5", "e6"]


@pytest.mark.parametrize("least", [0.0, 0.02, 0.1, 0.25, 0.7])
@given(effect=st.floats(0, 1))
def test_every_colour_is_in_the_legend(least: float, effect: float) -> None:
    assert colour(effect, least) in {style for style, _ in legend(least)}


def test_a_strip_marks_drift_and_leaves_out_windows_that_were_not_judged() -> None:
    cells = [Cell(0, START_MS, 0.4, "drift"), Cell(3, START_MS + 3 * HOUR_MS, None, "inconclusive")]
    svg = parsed(str(strip(cells, 4, 0.02, "two windows"))).one("svg")
    assert svg.attributes["aria-label"] == "two windows"
    assert [group.one("title").text for group in svg.all("g")] == [
        "2026-03-01 00:00 UTC: 40 % of rows moved, drift",
        "2026-03-01 03:00 UTC: no effect known, inconclusive",
    ]
    assert [mark.attributes["x"] for mark in svg.all("rect", class_="mark")] == ["0"]


def test_a_line_is_not_drawn_over_windows_that_are_missing() -> None:
    points = [Point(START_MS + hour * HOUR_MS, 1.0) for hour in (0, 1, 2, 5, 6)]
    drawn = chart("c", STRETCH, [Series("s", "effect", points)], str)
    path = parsed(str(drawn.svg)).one("path", class_="line").attributes["d"]
    assert path.count("M") == 2
    assert path.count("L") == 3


def test_a_chart_says_each_windows_values_and_levels_once() -> None:
    points = [Point(START_MS, 0.5, 0.4, 0.6), Point(START_MS + HOUR_MS, 0.7, is_bad=True)]
    drawn = chart(
        "c", STRETCH, [Series("s", "effect", points)], lambda v: f"{v:g}", levels=[Level("least", 0.1)]
    )
    svg = parsed(str(drawn.svg)).one("svg")
    panes = [pane.one("title").text for pane in svg.all("rect", class_="pane")]
    assert panes == ["2026-03-01 00:00 UTC s: 0.5 (0.4 to 0.6)", "2026-03-01 01:00 UTC s: 0.7"]
    assert drawn.legend == (("effect", "s"), ("level", "least 0.1"))
    assert len(svg.all("path", class_="bad")) == 1
    assert drawn.times[0] == STRETCH.start_ms
    assert drawn.times[-1] == STRETCH.end_ms


def test_what_can_be_zoomed_into_has_a_column_for_each_window() -> None:
    points = [Point(START_MS, 0.5, 0.4, 0.6), Point(START_MS + 2 * HOUR_MS, 1 / 3, is_bad=True)]
    spans = [
        Span(START_MS, START_MS + 3, "one"),
        Span(START_MS + 2, START_MS + 9, "other"),
        Span(START_MS + 10, START_MS + 11, ""),
    ]
    series = [Series("s", "effect", points), Series("empty", "second", [])]
    given = json.loads(
        chart("c", STRETCH, series, say.percent, levels=[Level("l", 0.1)], spans=spans).figures
    )
    assert given["at"] == list(STRETCH.starts)
    (only,) = given["series"]
    assert only["style"] == "effect"
    assert only["value"][:4] == [0.5, None, 0.333333, None]
    assert only["low"][:3] == [0.4, None, None]
    assert only["bad"][:4] == [False, False, True, False]
    assert (given["unit"], given["levels"]) == ("%", [0.1])
    assert given["spans"] == [[START_MS, START_MS + 9], [START_MS + 10, START_MS + 11]]


TEXT = st.text() | st.text(st.sampled_from("\"'<>&;=/#a "))


@given(TEXT, TEXT)
def test_an_element_gives_back_any_text_that_it_was_given(one: str, other: str) -> None:
    text = one.replace("\r", "").replace("\x00", "")
    attribute = other.replace("\r", "").replace("\x00", "")
    made = parsed(str(element("a", element("b", aria_label=attribute), title=text)))
    assert made.one("a").attributes["title"] == text
    assert made.one("b").attributes["aria-label"] == attribute


@given(st.text(min_size=1), st.text(min_size=1))
def test_an_address_leads_to_what_it_was_made_for(model: str, feature: str) -> None:
    try:
        address = link("feature", m=model, f=feature, x=4, until=moment(START_MS))
    except UnicodeEncodeError:
        return  # half a surrogate pair: no database holds it
    query = dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))
    assert Asked.of(query) == Asked(model, feature, 4, START_MS)


@pytest.mark.parametrize("query", [{"x": "1e9"}, {"x": "²"}, {"x": ""}, {"until": "x"}, {"at": "2026-13-01"}])
def test_an_address_that_cannot_be_read_is_refused_in_words(query: dict[str, str]) -> None:
    with pytest.raises(NotHereError):
        Asked.of(query)
