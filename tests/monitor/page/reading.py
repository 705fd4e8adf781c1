"""Pages as people and machines read them."""

from __future__ import annotations

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
    """Give what a page consists of, without its figures: for people to compare."""
    return "\n".join(_outlined(page.one("main"), 0)) + "\n"


def _outlined(node: Node, depth: int) -> Iterator[str]:
    for child in node.children:
        if isinstance(child, str):
            continue
        words = _said(child)
        if words is not None:
            yield "  " * depth + words
        if child.tag not in {"svg", *HEADINGS} - {"summary"}:
            yield from _outlined(child, depth + (words is not None))


def _said(node: Node) -> str | None:
    if node.tag == "svg":
        classes = Counter(name for each in node.walk() for name in each.attributes.get("class", "").split())
        drawn = ", ".join(f"{n} {name}" for name, n in sorted(classes.items()))
        return f"svg {node.attributes['class']}: {drawn}"
    if node.tag in HEADINGS:
        return f"{node.tag} {node.text}"
    if node.tag == "a":
        return f"a {node.text}"
    return f"{node.tag}" if node.tag in {"section", "table", "figure", "nav", "ul", "li", "details"} else None
