"""What the container file says, for the tests of whatever runs its image."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from pathlib import Path

from tests.conftest import unavailable
from tests.docs.pages import ROOT

FILE = ROOT / "deploy/Containerfile"
GET_TOOLS = "make .venv/deploy"


def instructions() -> list[tuple[str, str]]:
    """Give each instruction and its words, lines joined."""
    text = re.sub(r"^#.*\n", "", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    return [
        (word, rest.strip()) for word, _, rest in (line.partition(" ") for line in text.splitlines()) if word
    ]


def last(name: str) -> str:
    return [rest for word, rest in instructions() if word == name][-1]


def words(name: str) -> list[str]:
    """Give the command that an instruction holds as a list."""
    found: list[str] = json.loads(last(name).partition("CMD ")[2] or last(name))
    return found


def environment() -> dict[str, str]:
    """Give what the image has in its environment."""
    return dict(each.split("=", 1) for each in shlex.split(last("ENV")))


def ours() -> dict[str, str]:
    """Give the part of it that driftd reads."""
    return {name: value for name, value in environment().items() if name.startswith("DRIFTD")}


def tool(name: str) -> Path:
    """Give a program of the group "deploy"; without it the test skips, or fails in CI."""
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        unavailable(f"{name}: {GET_TOOLS}")
    return path


def program(name: str, how: str) -> str:
    """Give a program of the system; without it the test skips, or fails in CI."""
    if (found := shutil.which(name)) is None:
        unavailable(f"{name}: {how}")
    return str(found)
