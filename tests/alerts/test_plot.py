from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image

from alerts.plot import Bars, Picture, Point, draw
from tests.alerts.incidents import DAY_MS, MARCH_31
from tests.alerts.notices import EVIL

COURSE = tuple(Point(MARCH_31 + day * DAY_MS, 0.1 * day, 0.08 * day, 0.12 * day) for day in range(8))
NUMBERS = Bars(tuple(map(str, range(24))), (1 / 24,) * 24, (0.0,) * 12 + (1 / 12,) * 12, are_ordered=True)
AGE = Picture("churn: age", NUMBERS, COURSE, MARCH_31 + 5 * DAY_MS, 0.02)


def pixels(png: bytes) -> set[tuple[int, ...]]:
    """Give the colours of a picture."""
    colours = Image.open(BytesIO(png)).convert("RGB").getcolors(1_000_000)
    assert colours is not None
    return {colour for _, colour in colours if isinstance(colour, tuple)}


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour.removeprefix("#")))


def test_reference_current_and_course_are_in_the_picture() -> None:
    found = pixels(draw(AGE))
    assert {rgb("#a7adb5"), rgb("#d9534f"), rgb("#33588f")} <= found


@pytest.mark.parametrize("name", [EVIL, "$x_1$", "$", "\\frac", "日本", "x" * 5_000, "", "%d {} {0}"])
def test_any_name_can_be_drawn(name: str) -> None:
    bars = Bars((name, "b"), (0.5, 0.5), (0.1, 0.9), are_ordered=False)
    assert draw(Picture(name, bars, COURSE, MARCH_31, 0.02)).startswith(b"\x89PNG")


@pytest.mark.parametrize("course", [(), COURSE[:1]])
def test_a_short_course_can_be_drawn(course: tuple[Point, ...]) -> None:
    assert draw(replace(AGE, course=course)).startswith(b"\x89PNG")
