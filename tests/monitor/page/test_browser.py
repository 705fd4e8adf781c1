"""The page in a real Chromium: on a phone and on a desk, with scripts and without, by keyboard, for axe."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

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
    browser: Browser, address: str, width: int, *, scripts: bool, scheme: str = "light"
) -> Iterator[Window]:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        java_script_enabled=scripts,
        color_scheme="dark" if scheme == "dark" else "light",
        timezone_id="Asia/Kolkata",
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
    shown = page.locator("main svg:visible")
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
            ("feature", page.get_by_role("link", name="income", exact=True), "income"),
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
            pictured(page, f"{name}-{width}-{'scripts' if scripts else 'plain'}")
        assert opened.complaints == []


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
