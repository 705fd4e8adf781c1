"""Requests and responses that come as messages of their own: each waits for the other one. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import msgspec

from monitor.decode.layout import Pairing
from monitor.source.base import Message, Record, record_bytes

_SIDES = {True: "request", False: "response"}


@dataclass(frozen=True, slots=True)
class Half:
    """A request or a response, as it came. It waits until event time in its partition reaches ``due_ms``."""

    call: str
    is_request: bool
    due_ms: int
    record: Record

    @property
    def offset(self) -> int:
        return self.record.offset

    @property
    def side(self) -> str:
        return _SIDES[self.is_request]

    @property
    def other_side(self) -> str:
        return _SIDES[not self.is_request]


Halves = Mapping[str, Half]
"""By the call's id, in the order in which they came."""
NO_HALVES: Halves = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Waiting:
    """A model's halves of one partition that wait, and the offsets of those that the database has."""

    halves: Halves = field(default_factory=lambda: NO_HALVES)
    stored: frozenset[int] = frozenset()

    @property
    def fresh(self) -> tuple[Half, ...]:
        """Halves that the database lacks."""
        return tuple(half for half in self.halves.values() if half.offset not in self.stored)

    @property
    def gone(self) -> frozenset[int]:
        """Offsets of halves that the database still has, and that wait no more."""
        return self.stored - {half.offset for half in self.halves.values()}

    @classmethod
    def read(cls, halves: Iterable[Half]) -> Waiting:
        """Take over what the database has, which comes in the order of offsets."""
        found = {half.call: half for half in halves}
        return cls(found, frozenset(half.offset for half in found.values()))

    def written(self) -> Waiting:
        """Give the same after the database has it."""
        return Waiting(self.halves, frozenset(half.offset for half in self.halves.values()))


NOTHING_WAITS = Waiting()


@dataclass(frozen=True, slots=True)
class Unpaired:
    """A half that waits no more without having met the other one, where event time stood then, and why."""

    half: Half
    clock_ms: int
    detail: str


@dataclass(slots=True)
class Meeting:
    """Lets halves meet, one message after the other, so that nothing depends on how messages are batched.

    ``clock_ms`` is the partition's event time: the latest of all halves so far. A half waits from the event
    time at which it came, not from its own: one time that is wrong then parts no others for long.
    """

    pairing: Pairing
    clock_ms: int
    halves: OrderedDict[str, Half]  # whose first is found at once, however many went before it
    unpaired: list[Unpaired] = field(default_factory=list)
    _bytes: int = 0

    @classmethod
    def of(cls, pairing: Pairing, waiting: Waiting, clock_ms: int) -> Meeting:
        """Go on where the partition's messages before have left off."""
        found = cls(pairing, clock_ms, OrderedDict(waiting.halves))
        found._bytes = sum(record_bytes(half.record) for half in found.halves.values())
        return found

    def meet(self, call: str, is_request: bool, time_ms: int, record: Record) -> Half | None:
        """Let a half come; give the one that it completes, or None when it waits or is refused."""
        self.clock_ms = max(self.clock_ms, time_ms)
        self._part_old()
        half = Half(call, is_request, self.clock_ms + self.pairing.within_ms, record)
        other = self.halves.get(call)
        if other is None:
            self._wait(half)
            return None
        if other.is_request == is_request:
            self._refuse(half, f"a {half.side} of {call[:100]!r} waits already for its {half.other_side}")
            return None
        self._take(other)
        return other

    def forget(self, call: str, is_request: bool) -> None:
        """Let a half wait no more, if it does: the other one has named another model."""
        half = self.halves.get(call)
        if half is not None and half.is_request == is_request:
            self._take(half)

    def _part_old(self) -> None:
        """Let go of halves that have waited long enough; those that came first are due first."""
        while self.halves:
            first = next(iter(self.halves.values()))
            if first.due_ms >= self.clock_ms:
                return
            self._part(first, f"no {first.other_side} of {first.call[:100]!r} came in time (pair.within)")

    def _wait(self, half: Half) -> None:
        self.halves[half.call] = half
        self._bytes += record_bytes(half.record)
        while len(self.halves) > self.pairing.most or self._bytes > self.pairing.most_bytes:
            first = next(iter(self.halves.values()))
            self._part(first, f"no room to wait for its {first.other_side} (pair.most, pair.most_bytes)")

    def _take(self, half: Half) -> None:
        del self.halves[half.call]
        self._bytes -= record_bytes(half.record)

    def _part(self, half: Half, detail: str) -> None:
        self._take(half)
        self._refuse(half, detail)

    def _refuse(self, half: Half, detail: str) -> None:
        self.unpaired.append(Unpaired(half, self.clock_ms, detail))


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    """A half in the database: only ever read by the version of this service that wrote it, or a later one."""

    call: str
    is_request: bool
    due_ms: int
    key: bytes | None
    value: bytes | None
    timestamp: int
    headers: tuple[tuple[str, bytes | None], ...]


_STORED = msgspec.msgpack.Decoder(_Stored)


def encode(half: Half) -> bytes:
    """Give what `decode` reads, with the half's offset, as the same half."""
    record = half.record
    headers = tuple((name, text) for name, text in record.headers)
    stored = _Stored(
        half.call, half.is_request, half.due_ms, record.key, record.value, record.timestamp, headers
    )
    return msgspec.msgpack.encode(stored)


def decode(offset: int, stored: bytes) -> Half:
    """Give the half that was stored."""
    found = _STORED.decode(stored)
    record = Message(offset, found.value, found.key, found.timestamp, found.headers)
    return Half(found.call, found.is_request, found.due_ms, record)
