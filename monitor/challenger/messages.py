"""What the service and the challenger's process say to each other, and how it goes through a socket.

The service speaks first, and each of its messages is answered before the next: neither side can be ahead of
the other by more than one message, so nothing piles up. The end of the stream means: save and end.
"""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from monitor.challenger.rows import WireRow
from monitor.challenger.sums import WindowSums
from monitor.challenger.terms import Terms
from monitor.challenger.watch import Rise

Level = Literal["info", "warning", "error"]
_LENGTH = struct.Struct(">I")
_LONGEST = 1 << 30  # bytes


class Hello(msgspec.Struct, frozen=True, tag=True):
    """The first message: what to be, where to keep the state, and what is known of windows already."""

    terms: Terms
    window_ms: int
    state_path: str
    save_every_s: float
    warm_up: bytes
    warm_up_rows: int
    dictionary: str  # as TOML, for exports
    label: str
    windows: tuple[WindowSums, ...] = ()


class Batch(msgspec.Struct, frozen=True, tag=True):
    """Rows in the order in which they are to be taken; ``shed`` are whole counts, by start of the window."""

    rows: tuple[WireRow, ...]
    shed: Mapping[int, int] = {}


class Said(msgspec.Struct, frozen=True, array_like=True):
    """A line for the service's log."""

    level: Level
    event: str
    fields: dict[str, Any] = {}


class Alive(msgspec.Struct, frozen=True, tag=True):
    """The answer takes longer; it will come."""


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The challenger cannot begin now."""

    reason: str


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The answer to `Hello`, with all windows that the state knows."""

    windows: tuple[WindowSums, ...]
    learned_rows: int
    said: tuple[Said, ...] = ()


class Done(msgspec.Struct, frozen=True, tag=True):
    """The answer to `Batch`, and the last word at the end: the windows that changed, whole."""

    windows: tuple[WindowSums, ...]
    rises: tuple[Rise, ...]
    learned_rows: int
    said: tuple[Said, ...] = ()


Question = Hello | Batch
Answer = Alive | Refused | Ready | Done
_Message = Question | Answer
_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[_Message] = msgspec.msgpack.Decoder(_Message)


class Link:
    """One end of the socket. Its timeout is the socket's own; every method may raise OSError."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end

    def send(self, message: _Message) -> None:
        """Send one message whole."""
        body = _ENCODER.encode(message)
        self._socket.sendall(_LENGTH.pack(len(body)) + body)

    def receive(self) -> _Message | None:
        """Wait for the next message; None when the other end will send no more."""
        head = self._read(_LENGTH.size)
        if head is None:
            return None
        (size,) = _LENGTH.unpack(head)
        if size > _LONGEST:
            raise ConnectionError(f"a message of {size} bytes was announced: the stream is damaged")
        body = self._read(size)
        try:
            return None if body is None else _DECODER.decode(body)
        except msgspec.DecodeError as error:
            raise ConnectionError(f"a message of {size} bytes cannot be read: {error}") from error

    def _read(self, size: int) -> bytes | None:
        parts, left = [], size
        while left:
            part = self._socket.recv(min(left, 1 << 20))
            if not part:
                return None  # in the middle of a message too: its sender is gone
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def is_readable(self, within_s: float) -> bool:
        """Wait so long for something to arrive, be it the end of the stream."""
        poll = select.poll()  # select() knows no file descriptor over 1,023
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(max(0.0, within_s) * 1_000))

    def finish(self) -> None:
        """Say that no more will be sent; answers can still be read."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._socket.close()
