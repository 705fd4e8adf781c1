"""Nothing that a log, a configuration or a person wrote is ever markup."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from monitor.page.table import Column, Table, to_csv
from monitor.store.page import open_reader
from tests.monitor.page.conftest import migrated
from tests.monitor.page.reading import Node, Site
from tests.monitor.page.worlds import Names, fill, hostile

pytestmark = pytest.mark.xdist_group("page")

PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)' x='",
    "</title></svg><svg onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt;&#60;i&#62;",
    '=HYPERLINK("http://evil.test")',
    "]]><!--<b>-->",
    "a\u202eb\u2066c`${alert(1)}`",
)  # fmt: skip
KNOWN = {
    "html", "head", "meta", "title", "link", "script", "body", "a", "header", "img", "nav", "main", "footer",
    "p", "span", "h1", "h2", "div", "section", "table", "thead", "tbody", "tr", "th", "td", "time", "svg",
    "g", "rect", "path", "line", "figure", "figcaption", "i", "b", "details", "summary", "ul", "li",
    "button",
}  # fmt: skip
SCRIPTS = {"static/page.js", "static/uplot.min.js", "static/charts.js"}
LOADS = {"src", "href", "action", "formaction", "xlink:href", "style", "srcdoc"}


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Names]]:
    """Give a history in which everything that can be named is named by an attacker."""
    folder = tmp_path_factory.mktemp("attacked")
    url = migrated(folder)
    names = Names(**hostile(" ".join(PAYLOADS)))
    config = fill(url, folder / "join", names, hours=16)
    reader = open_reader(url)
    yield Site.of(config, reader), names
    reader.close()


def harmless(page: Node) -> None:
    """Fail when anything in the page is not of our own making."""
    for node in page.walk():
        assert node.tag in KNOWN, node.tag
        for name, value in node.attributes.items():
            assert not name.startswith("on"), (node.tag, name)
            if name in LOADS:
                assert ":" not in value.partition("?")[0], (node.tag, name, value)
    assert {node.attributes["src"].partition("?")[0] for node in page.all("script")} <= SCRIPTS
    assert not any(node.children for node in page.all("script"))
    assert not page.all("style")


def linked(page: Node, start: str) -> str:
    """Give the first link to a page of this kind."""
    links = [node.attributes["href"] for node in page.one("main").all("a")]
    return next(link for link in links if link.startswith(start) and "csv=" not in link)


def test_nothing_hostile_becomes_markup_in_any_view(attacked: tuple[Site, Names]) -> None:
    site, names = attacked
    overview = site.page("")
    harmless(overview)
    assert names.drifting in overview.one("main").text
    model = site.page(linked(overview, "model?"))
    harmless(model)
    shown = [node.text for node in model.one("table", class_="heat").all("th", scope="row")]
    assert " ".join(names.feature.split()) in shown
    links = {node.text: node.attributes["href"] for node in model.one("table", class_="heat").all("a")}
    for feature in (names.feature, names.category_column):
        page = site.page(links[" ".join(feature.split())])
        harmless(page)
        assert page.one("h1").text == " ".join(feature.split())
    kept = " ".join(names.unseen[:200].split())  # as much of an unseen category as is kept
    assert kept in page.one("table", class_="pairs").text
    for kind in ("performance?", "alerts?"):
        harmless(
            site.page(linked(model, kind) if kind == "alerts?" else kind + linked(overview, "model?")[6:])
        )
    alerts = site.page("alerts")
    harmless(alerts)
    assert " ".join(names.comment.split()) in alerts.one("main").text


def test_what_an_address_says_is_no_markup_either(attacked: tuple[Site, Names]) -> None:
    site, _ = attacked
    for payload in PAYLOADS:
        page = site.page(f"model?m={quote(payload)}", status=404)
        harmless(page)
        assert " ".join(payload.split()) in page.one("main").text


def test_no_spreadsheet_takes_a_cell_for_a_formula() -> None:
    rows = [[payload] for payload in (*PAYLOADS, "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "ok")]
    text = to_csv(Table("t", "t", (Column("a", "a"),), rows))
    cells = [line.strip('"') for line in text.split("\r\n")[1:] if line]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert cells[-1] == "ok"
