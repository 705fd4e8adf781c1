"""What the configuration says of how a consumer group shares its partitions out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from monitor.config.section import Mistake

_TOGETHER = "range"
"""The one assignor that gives partitions of one number of several topics to one member."""
_SESSION_MS = 45_000


def sharing_mistakes(options: Mapping[str, Any]) -> Iterator[Mistake]:
    """Yield what would bring a label and its prediction to different processes."""
    by_name = {name.replace(".", "_"): (name, given) for name, given in options.items()}
    if by_name.get("group_protocol", ("", ""))[1] == "consumer":
        name, given = by_name.get("group_remote_assignor", ("group.remote.assignor", "uniform"))
    else:
        name, given = by_name.get("partition_assignment_strategy", ("", _TOGETHER))
    wanted = given.split(",") if isinstance(given, str) else given
    if list(wanted) != [_TOGETHER]:
        told = ", ".join(map(str, wanted))
        text = f'"{told}" may bring a label and its prediction to different processes: labels_topics need '
        yield Mistake(("options", name), f'{text}"{_TOGETHER}"')


def session_ms(options: Mapping[str, Any]) -> int:
    """How long the partitions of a process that has died stand still."""
    given = options.get("session_timeout_ms", options.get("session.timeout.ms", _SESSION_MS))
    return int(given) if str(given).isdigit() else _SESSION_MS
