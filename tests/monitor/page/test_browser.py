"""The page in a real Chromium: on a phone and on a desk, with scripts and without, by keyboard, for axe."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from monitor.clock import ManualClock
from monitor.config import Address
from monitor.page.server import serve_page
from monitor.store.page import open_reader
from tests.conftest import unavailable
from tests.monitor.page.reading import Site
from tests.monitor.page.worlds import NOW

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("page")]

MODEL = "credit-limit"
PHONE, DESK = 360, 1440
VIEWS = (
    "",
    f"model?m={MODEL}",
    f"feature?m={MODEL}&f=income",
    f"feature?m={MODEL}&f=country",
    f"performance?m={MODEL}",
    "alerts",
    "nowhere",
)
SHOTS = os.environ.get("DRIFTD_SCREENSHOTS", "")
"""A folder: pictures of every view go there, for people to look at."""


@dataclass(frozen=True, slots=True)
class Window:
    """A page of the browser, and everything that it complained about."""

    page: Page
    address: str
    complaints: list[str]

    def go(self, view: str) -> None:
        self.page.goto(self.address + view)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        unavailable("no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(sqlite_site: Site) -> Iterator[str]:
    config = sqlite_site.pages.config
    server = serve_page(
        Address("127.0.0.1", 0), open_reader(config.database.url.reveal()), config, ManualClock(NOW)
    )
    yield f"http://127.0.0.1:{server.port}/"
    server.close()


@contextmanager
def window(
    browser: Browser,
    address: str,
    width: int,
    *,
    scripts: bool = True,
    scheme: str = "light",
    touch: bool = False,
) -> Iterator[Window]:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        java_script_enabled=scripts,
        color_scheme="dark" if scheme == "dark" else "light",
        timezone_id="Asia/Kolkata",
        has_touch=touch,
    )
    page = context.new_page()
    page.set_default_timeout(30_000)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(f"{request.url}: {request.failure}"))
    try:
        yield Window(page, address, complaints)
    finally:
        context.close()


def fits(page: Page, width: int) -> None:
    """Fail when the page is wider than its window, or a picture has no size."""
    assert page.locator("html").evaluate("each => each.scrollWidth") <= width
    shown = page.locator("main svg:visible, main canvas:visible")
    for box in (shown.nth(at).bounding_box() for at in range(min(shown.count(), 20))):
        assert box is not None
        assert box["width"] > 20
        assert box["height"] > 5


def pictured(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_reader_finds_from_the_overview_to_every_view(
    browser: Browser, address: str, width: int, scripts: bool
) -> None:
    with window(browser, address, width, scripts=scripts) as opened:
        page = opened.page
        heading = page.locator("h1")
        opened.go("")
        for name, link, expected in (
            ("overview", None, "Models"),
            ("model", page.get_by_role("link", name=MODEL, exact=True), MODEL),
            ("feature", page.get_by_role("link", name="income", exact=True).first, "income"),
            (
                "performance",
                page.get_by_role("link", name="performance", exact=True),
                f"Performance of {MODEL}",
            ),
            ("alerts", page.get_by_role("link", name="alerts", exact=True), f"Alerts of {MODEL}"),
            ("category", page.get_by_role("link", name="country", exact=True).first, "country"),
            ("longer", page.get_by_role("link", name="4h", exact=True), "country"),
            ("earlier", page.get_by_role("link", name="earlier", exact=True), "country"),
        ):
            if link is not None:
                link.click()
            assert heading.text_content() == expected
            fits(page, width)
            over_time = page.locator("[data-figures]")
            for at in range(
                over_time.count()
            ):  # with scripts they can be zoomed into, without they are as they were
                assert over_time.nth(at).locator("canvas").is_visible() is scripts
                assert over_time.nth(at).locator("svg.plot").is_visible() is not scripts
            assert page.get_by_role("button").count() == (3 if scripts and over_time.count() else 0)
            pictured(page, f"{name}-{width}-{'scripts' if scripts else 'plain'}")
        assert opened.complaints == []


def dragged(opened: Window, chart: Locator, by_touch: bool) -> None:
    """Choose the second quarter of a chart with the mouse, or with a finger."""
    chart.scroll_into_view_if_needed()
    box = chart.locator(".u-over").bounding_box()
    assert box is not None
    y, xs = box["y"] + box["height"] / 2, [box["x"] + box["width"] * share for share in (0.25, 0.4, 0.5)]
    if by_touch:
        session = opened.page.context.new_cdp_session(opened.page)
        for kind, x in zip(("touchStart", "touchMove", "touchMove", "touchEnd"), [*xs, None], strict=True):
            points = [] if x is None else [{"x": x, "y": y}]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    else:
        opened.page.mouse.move(xs[0], y)
        opened.page.mouse.down()
        for x in xs[1:]:
            opened.page.mouse.move(x, y)
        opened.page.mouse.up()


DASH = "\u2013"
SHOWN = re.compile(rf"2026-03-0[1-5] \d\d:\d\d {DASH} 2026-03-0[1-5] \d\d:\d\d")


@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "dark"), (DESK, "light")])
def test_charts_are_zoomed_into_together_and_shown_whole_again(
    browser: Browser, address: str, width: int, scheme: str
) -> None:
    by_touch = width == PHONE
    with window(browser, address, width, scheme=scheme, touch=by_touch) as opened:
        page = opened.page
        opened.go(f"feature?m={MODEL}&f=income")
        shown = page.locator("#zoom [role=status]")
        effect, other = page.locator("[data-figures]").nth(0), page.locator("[data-figures]").nth(1)
        whole = [ink(chart) for chart in (effect, other)]
        assert all(whole)
        dragged(opened, effect, by_touch)
        expect(shown).to_have_text(SHOWN)
        pictured(page, f"zoomed-{width}-{scheme}")
        begin, end = (
            datetime.fromisoformat(text) for text in (shown.text_content() or "").split(f" {DASH} ")
        )
        assert 13 <= (end - begin).total_seconds() / 3600 <= 17  # of 60 hours
        zoomed = [ink(chart) for chart in (effect, other)]
        assert all(now != before for now, before in zip(zoomed, whole, strict=True))
        page.get_by_role("button", name="show all").click()
        expect(shown).to_have_text("")
        page.mouse.move(0, 0)
        assert [ink(chart) for chart in (effect, other)] == whole
        assert opened.complaints == []


def ink(chart: Locator) -> int:
    """Count the pixels of a chart that have the colour of its line, as the style sheet says it now."""
    return int(
        chart.evaluate(r"""async frame => {
        await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
        const wanted = getComputedStyle(frame.querySelector(".line")).stroke.match(/\d+/g).map(Number);
        const canvas = frame.querySelector("canvas");
        const copy = document.createElement("canvas");
        [copy.width, copy.height] = [canvas.width, canvas.height];
        const context = copy.getContext("2d", { willReadFrequently: true });
        context.drawImage(canvas, 0, 0);
        const { data } = context.getImageData(0, 0, copy.width, copy.height);
        let found = 0;
        for (let i = 0; i < data.length; i += 4) found += wanted.every((part, k) => data[i + k] === part);
        return found;
    }""")
    )


def test_charts_are_read_and_zoomed_into_by_keyboard(browser: Browser, address: str) -> None:
    with window(browser, address, DESK) as opened:
        page = opened.page
        opened.go(f"feature?m={MODEL}&f=income")
        chart = page.locator("[data-figures]").first
        chart.locator(".live").focus()
        page.keyboard.press("ArrowLeft")
        reading = chart.locator(".reading")
        expect(reading).to_have_text(re.compile(r"2026-03-05 07:30\s+ks: \d+ % \("))
        page.keyboard.press("ArrowLeft")
        expect(reading).to_have_text(re.compile(r"2026-03-05 06:30\s+ks: "))
        shown = page.locator("#zoom [role=status]")
        page.keyboard.press("+")
        page.keyboard.press("+")
        expect(shown).to_have_text(SHOWN)
        expect(reading).to_have_text(re.compile(r"2026-03-05 06:30\s+ks: "))
        for _ in range(20):  # beyond what is shown: it moves along
            page.keyboard.press("ArrowLeft")
        expect(reading).to_have_text(re.compile(r"2026-03-04 10:30\s+ks: "))
        expect(shown).to_have_text(re.compile(r"^2026-03-04 10:30"))
        page.keyboard.press("Escape")
        expect(shown).to_have_text("")


@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "light"), (DESK, "dark")])
def test_axe_finds_nothing_to_complain_about(browser: Browser, address: str, width: int, scheme: str) -> None:
    with window(browser, address, width, scripts=True, scheme=scheme) as opened:
        for view in VIEWS:
            opened.go(view)
            for closed in opened.page.locator("summary").all():
                closed.click()
            found = Axe().run(opened.page, options={"resultTypes": ["violations"]})
            assert found.violations_count == 0, f"{view}:\n{found.generate_report()}"
            name = view.partition("&f=")[2] or view.partition("?")[0] or "overview"
            pictured(opened.page, f"open-{name}-{width}-{scheme}")


def test_times_are_in_the_readers_zone_where_scripts_run(browser: Browser, address: str) -> None:
    with window(browser, address, DESK, scripts=True) as opened:
        opened.go("")
        times = opened.page.locator("main time")
        assert times.first.text_content() == "2026-03-05 08:30"
        assert times.first.get_attribute("title") == "2026-03-05 03:00 UTC"
        assert opened.page.locator("#zone").text_content() in {"Asia/Kolkata", "Asia/Calcutta"}
    with window(browser, address, DESK, scripts=False) as opened:
        opened.go("")
        assert opened.page.locator("main time").first.text_content() == "2026-03-05 03:00"
        assert opened.page.locator("#zone").text_content() == "UTC"


def test_the_page_follows_the_readers_wish_for_dark(browser: Browser, address: str) -> None:
    grounds = {}
    for scheme in ("light", "dark"):
        with window(browser, address, DESK, scripts=True, scheme=scheme) as opened:
            opened.go("")
            colour = opened.page.locator("body").evaluate("each => getComputedStyle(each).backgroundColor")
            grounds[scheme] = sum(int(part) for part in colour.removeprefix("rgb(").rstrip(")").split(","))
    assert grounds["dark"] < 150
    assert grounds["light"] > 600


def test_the_keyboard_reaches_the_content_and_opens_what_is_folded(browser: Browser, address: str) -> None:
    with window(browser, address, DESK, scripts=False) as opened:
        page = opened.page
        opened.go(f"model?m={MODEL}")
        page.keyboard.press("Tab")
        skip = page.locator("a.skip")
        assert skip.evaluate("each => each.matches(':focus')")
        box = skip.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        page.keyboard.press("Enter")
        assert page.url.endswith("#main")
        summary = page.locator("summary").first
        summary.focus()
        page.keyboard.press("Enter")
        assert page.locator("details[open] table").count() == 1


def test_a_table_comes_as_a_file(browser: Browser, address: str) -> None:
    with window(browser, address, DESK, scripts=False) as opened:
        opened.go("")
        with opened.page.expect_download() as download:
            opened.page.get_by_role("link", name="Models as CSV").click()
        assert download.value.suggested_filename == "models.csv"
        text = download.value.path().read_text()
        assert text.startswith("model,rows,window,")
        assert text.count("\r\n") == 0 or text.count("\n") == 4
