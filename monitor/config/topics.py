"""Names of Kafka topics."""

from __future__ import annotations

import re
from collections.abc import Iterator

from monitor.config.section import Mistake

_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}", re.ASCII)
_HOW = "a topic has 1 to 249 letters, digits, dots, underscores and hyphens"


def topic_problem(name: str) -> str:
    """Give why Kafka would refuse a topic of this name; empty when it would not."""
    if name in {".", ".."} or not _NAME.fullmatch(name):
        return f'"{name[:60]}" cannot be a topic: {_HOW}'
    return ""


def topic_mistakes(key: str, names: tuple[str, ...]) -> Iterator[Mistake]:
    """Yield what is wrong with a list of topics."""
    for position, name in enumerate(names):
        if problem := topic_problem(name):
            yield Mistake((key, position), problem)
        elif name in names[:position]:
            yield Mistake((key, position), f'"{name}" is listed twice')
