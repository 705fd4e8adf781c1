"""What `topics` and `labels_topics` may hold: names of Kafka topics, and patterns."""

from __future__ import annotations

import re
from collections.abc import Iterator

from monitor.config.section import Mistake
from monitor.topics import MARK, Topics

_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}", re.ASCII)
_HOW = "a topic has 1 to 249 letters, digits, dots, underscores and hyphens"
_REFERENCE = re.compile(r"\\[1-9]|\(\?(?:P|\()")


def topic_problem(name: str) -> str:
    """Give why Kafka would refuse a topic of this name; empty when it would not."""
    if name in {".", ".."} or not _NAME.fullmatch(name):
        return f'"{name[:60]}" cannot be a topic: {_HOW}'
    return ""


def pattern_problem(entry: str) -> str:
    """Give why this is no pattern for names of topics; empty when it is one."""
    shown = f'"{entry[:60]}"'
    if entry == MARK:
        return f'{shown} matches no name: write a regular expression after it, like "^predictions\\\\..*"'
    if _REFERENCE.search(entry):
        return f"{shown} cannot be a pattern: groups have no names here, and nothing can refer to them"
    try:
        _ = Topics((entry,)).expression
    except (re.error, RecursionError, OverflowError) as error:
        return f"{shown} is no regular expression (Python's): {error}"
    return ""


def topic_mistakes(key: str, entries: tuple[str, ...]) -> Iterator[Mistake]:
    """Yield what is wrong with a list of topics."""
    for position, entry in enumerate(entries):
        find = pattern_problem if entry.startswith(MARK) else topic_problem
        if problem := find(entry):
            yield Mistake((key, position), problem)
        elif entry in entries[:position]:
            yield Mistake((key, position), f'"{entry}" is listed twice')
