"""Pages as people and machines read them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl

from monitor.clock import ManualClock
from monitor.config import Config
from monitor.page.app import VIEWS, Pages
from monitor.store.page import PageReader
from tests.monitor.page.worlds import NOW

VOID = {"meta", "link", "br", "img", "hr", "input"}
DRAWN = {"bar", "band", "line", "dot", "level", "span", "pane"}
HEADINGS = {"h1", "h2", "th", "figcaption", "summary"}


@dataclass(slots=True)
class Node:
    """An element with what is in it."""

    tag: str
    attributes: dict[str, str]
    children: list[Node | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text inside, with single spaces."""
        parts = (child if isinstance(child, str) else child.text for child in self.children)
        return " ".join(" ".join(parts).split())

    def all(self, tag: str = "", **wanted: str) -> list[Node]:
        """Give the elements inside of this kind, in the order of the page."""
        return [node for node in self.walk() if _fits(node, tag, wanted)]

    def one(self, tag: str = "", **wanted: str) -> Node:
        (found,) = self.all(tag, **wanted)
        return found

    def walk(self) -> Iterator[Node]:
        for child in self.children:
            if isinstance(child, Node):
                yield child
                yield from child.walk()


def _fits(node: Node, tag: str, wanted: dict[str, str]) -> bool:
    if tag and node.tag != tag:
        return False
    return all(
        value in node.attributes.get(key.rstrip("_").replace("_", "-"), "").split() if key == "class_"
        else node.attributes.get(key.rstrip("_").replace("_", "-")) == value
        for key, value in wanted.items()
    )  # fmt: skip


class _Reader(HTMLParser):
    """Builds the tree, and refuses what is not well formed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        repeated = [name for name, n in Counter(name for name, _ in attrs).items() if n > 1]
        assert not repeated, f"<{tag}> has {repeated} twice"
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parsed(html: str) -> Node:
    """Read a page; fails when it is not well formed."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == [reader.root], "elements are left open"
    return reader.root


@dataclass(frozen=True, slots=True)
class Site:
    """The page on one database."""

    pages: Pages
    reader: PageReader

    @classmethod
    def of(cls, config: Config, reader: PageReader) -> Site:
        return cls(Pages(reader, config, ManualClock(NOW)), reader)

    def body(self, address: str, status: int = 200) -> str:
        path, _, query = address.partition("?")
        answer = self.pages.answer(VIEWS[path], path, dict(parse_qsl(query)))
        assert answer.status_code == status
        return bytes(answer.body).decode()

    def page(self, address: str, status: int = 200) -> Node:
        return parsed(self.body(address, status))


def outline(page: Node) -> str:
    """Give what a page consists of, for people to compare: of rows and items the first, of figures none."""
    return "\n".join(_outlined(page.one("main"), 0)) + "\n"


def _outlined(node: Node, depth: int) -> Iterator[str]:
    children = [child for child in node.children if isinstance(child, Node)]
    for child in children[:1] if node.tag in {"tbody", "ul"} else children:
        words = _said(child)
        if words is not None:
            yield "  " * depth + words
        if child.tag not in HEADINGS | {"svg"} or child.tag == "summary":
            yield from _outlined(child, depth + (words is not None))


def _said(node: Node) -> str | None:
    if node.tag == "svg":
        drawn = {each.attributes.get("class", "").partition(" ")[0] for each in node.walk()} & DRAWN
        return f"svg {node.attributes['class']}: {', '.join(sorted(drawn))}"
    if node.tag in HEADINGS | {"a"}:
        return re.sub(r"[0-9]+([.,][0-9]+)*", "#", f"{node.tag[0]}: {node.text}")
    return node.tag if node.tag in {"section", "table", "figure", "nav", "ul", "li", "details"} else None
