"""The pages as a site: every page is in it, every link leads somewhere, nothing comes from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

FETCHED = re.compile(r"""<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)=["']?([^"'\s>]+)""")
OF_STYLES = re.compile(r"url\(\s*[\"']?([^)\"']+)|@import\s+[\"']([^\"']+)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it as `make site` does, where any doubt of mkdocs is an error."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_there(site: Path) -> None:
    for page in ROOT.glob("docs/**/*.md"):
        assert (site / page.relative_to(ROOT / "docs").with_suffix(".html")).exists()


def test_it_can_be_read_without_a_network(site: Path) -> None:
    found = [
        (file.name, address)
        for pattern, suffix in ((FETCHED, "html"), (OF_STYLES, "css"))
        for file in site.rglob(f"*.{suffix}")
        for address in map("".join, pattern.findall(file.read_text(encoding="utf-8")))
    ]
    assert len(found) > 100
    assert [each for each in found if re.match(r"(https?:)?//", each[1])] == []


def test_nobody_counts_its_readers(site: Path) -> None:
    text = (site / "index.html").read_text(encoding="utf-8")
    for name in ("google", "analytics", "gtag", "unpkg", "jsdelivr"):
        assert name not in text.lower()
