"""The one node of the broker: everything that its answers draw on."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from monitor.broker.groups import Group
from monitor.broker.topics import Limits, Topics

NODE_ID = 0


@dataclass(slots=True)
class Node:
    """Topics and groups; they outlive a stop and a start of the server."""

    host: str
    port: int
    topics: Topics = field(default_factory=lambda: Topics(Limits()))
    groups: defaultdict[str, Group] = field(default_factory=lambda: defaultdict(Group))
    producer_ids: Iterator[int] = field(default_factory=lambda: itertools.count(1000))


@dataclass(frozen=True, slots=True)
class Caller:
    """What a request tells beside its body."""

    version: int
    client_id: str
