"""Where to listen."""

from __future__ import annotations

import re
from typing import NamedTuple

_LOOPBACK = re.compile(r"127\.\d+\.\d+\.\d+|::1|localhost")
_LAST_PORT = 65_535


class Address(NamedTuple):
    """A host and a port of it."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return _LOOPBACK.fullmatch(self.host) is not None


def parse_address(text: str) -> Address:
    """Read "HOST:PORT"; raises ValueError with the way out."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and host and port.isascii() and port.isdigit() and int(port[:6]) <= _LAST_PORT):
        raise ValueError(
            f'"{text[:80]}" is not HOST:PORT, like "127.0.0.1:9464" ("" switches the endpoints off)'
        )
    return Address(host, int(port))
