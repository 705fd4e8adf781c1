"""The values of a group's round: what members ask, what they are answered, what is known of each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from monitor.broker.codes import Code

Answer = TypeVar("Answer")


class State(StrEnum):
    """Where a group is in its round."""

    EMPTY = "Empty"
    PREPARING = "PreparingRebalance"
    COMPLETING = "CompletingRebalance"
    STABLE = "Stable"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a member asks when it joins."""

    member_id: str
    instance_id: str | None
    client_id: str
    protocols: Mapping[str, bytes]
    session_s: float
    rebalance_s: float
    knows_id_rule: bool  # can be told to come back with the id it is given


@dataclass(frozen=True, slots=True)
class Joined:
    """The answer to a join; ``members`` only for the leader."""

    code: Code
    member_id: str = ""
    generation: int = -1
    protocol: str = ""
    leader: str = ""
    members: tuple[tuple[str, str | None, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Synced:
    """The answer to a sync."""

    code: Code
    assignment: bytes = b""


@dataclass(slots=True)
class Member:
    """One consumer; waiting in a join or a sync it counts as alive."""

    id: str
    instance_id: str | None
    client_id: str
    heard_s: float
    session_s: float = 10.0
    rebalance_s: float = 60.0
    protocols: Mapping[str, bytes] = field(default_factory=dict)
    assignment: bytes = b""
    joining: asyncio.Future[Joined] | None = None
    syncing: asyncio.Future[Synced] | None = None


def answer(waiting: asyncio.Future[Answer] | None, value: Answer) -> None:
    """Answer whoever still waits."""
    if waiting is not None and not waiting.done():
        waiting.set_result(value)
