"""The documentation as text, and the parts of it that tests look at."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_CONFIGURATION = "docs/configuration.md"
_DOCS = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md"))
PAGES = ("README.md", "CONTRIBUTING.md", *(name for name in _DOCS if name != _CONFIGURATION))
ALL = (*PAGES, "CHANGELOG.md", _CONFIGURATION)
REWRITES = "DRIFTD_REWRITE_DOCS" in os.environ  # asked now: tests of commands clear the environment
_FENCE = re.compile(
    r"^(?:<!-- (?P<mark>[\w .-]+) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; ``mark`` is the comment on the line before it."""

    page: str
    line: int
    kind: str
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def all_blocks(name: str) -> list[Block]:
    """Give all fenced blocks of a page, in their order."""
    text = page(name)
    return [
        Block(name, text.count("\n", 0, found.start()) + 1, found["kind"], found["mark"] or "", found["text"])
        for found in _FENCE.finditer(text)
    ]


def blocks(kind: str, pages: tuple[str, ...] = ALL) -> list[Block]:
    """Give all fenced blocks of a kind."""
    return [block for name in pages for block in all_blocks(name) if block.kind == kind]


def marked(name: str, mark: str) -> str:
    """Give the block of a page that has this mark."""
    (found,) = (found for found in _FENCE.finditer(page(name)) if found["mark"] == mark)
    return found["text"]


def table(name: str, heading: str) -> list[list[str]]:
    """Give the cells of the table whose first row begins with this heading, without that row."""
    lines = page(name).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


def kept_up(name: str, begin: str, end: str, wanted: str) -> bool:
    """Tell whether the text between two places is as wanted; with DRIFTD_REWRITE_DOCS=1 make it so."""
    text = page(name)
    before, found, rest = text.partition(begin)
    assert found, f"{name} has no {begin!r}"
    inside, end_found, after = rest.partition(end) if end else (rest, "", "")
    if REWRITES:
        (ROOT / name).write_text(f"{before}{begin}{wanted}{end_found}{after}", encoding="utf-8")
        return True
    return inside == wanted


def rewrite(name: str, texts: Mapping[int, str]) -> None:
    """Give the blocks of a page that begin in these lines other texts."""
    text = page(name)

    def changed(found: re.Match[str]) -> str:
        fresh = texts.get(text.count("\n", 0, found.start()) + 1)
        inside = found.start("text") - found.start(), found.end("text") - found.start()
        return found[0] if fresh is None else found[0][: inside[0]] + fresh + found[0][inside[1] :]

    (ROOT / name).write_text(_FENCE.sub(changed, text), encoding="utf-8")
