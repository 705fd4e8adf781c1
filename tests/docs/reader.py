"""A reader who does what a page says, step by step, and looks whether it shows what the page shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import Protocol

from tests.docs.pages import REWRITES, Block
from tests.services.waiting import until

LIMIT_S = 180.0
PAUSE_S = 1.0
DIFFERS = (
    (r"\b\d+ (ms|s|min) ago +", "3 s ago  "),
    (r"\b(?=[0-9a-f]*[a-f])[0-9a-f]{12}\b", "0123456789ab"),  # ids
    (r"\n {8,}(?=\S)", " "),  # where a line is broken depends on the lengths of names
)
"""What no two readers see alike."""


class Desk(Protocol):
    """Where a reader types: a real terminal, or this process."""

    def write(self, name: str, text: str) -> None:
        """Write a file."""

    def run(self, text: str) -> tuple[int, str]:
        """Type a block; give how it ended, and everything that was seen."""

    def told(self, text: str) -> str:
        """Give an output as the page would show it."""


@dataclass
class Reader:
    """Does a page's blocks in their order.

    By the marks of blocks, ``doing`` does what is not for this desk, and ``elsewhere`` gives what is to be
    seen in other places. ``patient`` waits until what goes on beside has come to rest.
    """

    desk: Desk
    doing: Mapping[str, Callable[[Block], None]] = field(default_factory=dict)
    elsewhere: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    patient: Callable[[], None] | None = None
    typed: str = ""
    seen: str = ""
    client: str = ""
    fresh: dict[int, str] = field(default_factory=dict)

    def follow(self, block: Block) -> None:
        """Do what a block says, or compare what it shows with what was seen."""
        if block.mark.startswith("file "):
            self.desk.write(block.mark.removeprefix("file "), block.text)
        elif block.mark in self.doing:
            self.doing[block.mark](block)
        elif block.mark in self.elsewhere:
            self.seen = self.desk.told(self.elsewhere[block.mark]())
            self._compare(block)
        elif block.mark == "shows soon":
            self._wait_for(block)
            self._compare(block)
        elif block.mark == "shows":
            self._compare(block)
        elif block.kind == "sh" and block.text.startswith("psql "):
            self.client = block.text.strip()  # what is typed into it comes next
        elif block.kind == "sh":
            self._type(block.text, block)
        elif block.kind == "sql" and self.client:
            self._type(f"{self.client} <<'END'\n{block.text}END\n", block)

    def _type(self, text: str, block: Block) -> None:
        self.typed = text
        code, self.seen = self.desk.run(text)
        assert code == 0, f"{block} ended with {code}:\n{self.seen}"

    def _compare(self, block: Block) -> None:
        if REWRITES:
            self.fresh[block.line] = self.seen
            return
        told, seen = alike(block.text).splitlines(), alike(self.seen).splitlines()
        difference = "\n".join(unified_diff(told, seen, str(block), "what was seen", lineterm=""))
        assert told == seen, difference

    def _wait_for(self, block: Block) -> None:
        """Type it again until it shows what the page shows."""
        if self.patient is not None:
            self.patient()

        def shows() -> bool:
            self._type(self.typed, block)
            return REWRITES or alike(self.seen) == alike(block.text)

        with suppress(AssertionError):  # the comparison that follows says it better
            until(shows, str(block), LIMIT_S, PAUSE_S)


def alike(text: str) -> str:
    """Give a text without what differs from reader to reader."""
    for pattern, instead in DIFFERS:
        text = re.sub(pattern, instead, text)
    return text
