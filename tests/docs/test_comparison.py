"""The comparison's page: its words say of its tables what they say."""

from __future__ import annotations

import math
import re

from bench.quality.cases import SHIFTS
from tests.docs.pages import page

PAGE = "docs/comparison.md"


def rows(name: str) -> list[dict[str, str]]:
    """Give the rows of a table, by its headings."""
    found = re.search(rf"<!-- begin {name} -->\n(.*?)<!-- end {name} -->", page(PAGE), re.DOTALL)
    assert found is not None, name
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in found[1].strip().splitlines()]
    head, _, *rest = cells
    return [dict(zip(head, each, strict=True)) for each in rest]


def section(heading: str) -> str:
    return page(PAGE).partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_each_kind_of_change_that_another_finds_sooner_is_named_with_the_reason() -> None:
    behind = {row["change"] for row in rows("ahead") if row["ahead"].split("; ")[0] != "driftd"}
    for case, row in zip(SHIFTS, rows("equal rate"), strict=False):
        medians = {name: median(cell) for name, cell in row.items() if not name.startswith("change")}
        if min(medians.values()) < medians["driftd"]:
            behind.add(case.title)
    named = re.findall(r"^- \*\*(.+?)\*\*: \S", section("Where driftd is not first"), re.MULTILINE)
    assert sorted(named) == sorted(behind)


def median(cell: str) -> float:
    first = cell.split(maxsplit=1)[0]
    return math.inf if first in {"never", "-"} else float(first)


def test_all_kinds_of_change_are_on_the_page() -> None:
    titles = [case.title for case in SHIFTS]
    assert [row["change"] for row in rows("ahead")] == titles
    delays = [row["change (windows watched)"] for row in rows("equal rate")][:-1]
    assert delays == [f"{case.title} ({case.after})" for case in SHIFTS]


def test_the_page_says_what_was_measured_and_when() -> None:
    versions = {row[""]: row["version"] for row in rows("versions")}
    assert versions.keys() >= {"driftd", "evidently", "nannyml", "alibi-detect", "frouros", "whylogs"}
    assert re.match(r"\d{4}-\d\d-\d\d, ", versions["measured"])
