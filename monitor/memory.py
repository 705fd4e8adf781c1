"""How much memory one process takes at most, about, by its configuration: what `driftd check` tells."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.config import Limits

PROGRAM_BYTES = 320_000_000
"""The program with its libraries and connections, reading a steady stream (`make soak`)."""
DECODED = 4
"""Messages in work and the columns they become, in lengths of the messages."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What one process takes at most, about, and for what."""

    program_bytes: int
    window_bytes: int
    message_bytes: int

    @classmethod
    def of(cls, limits: Limits) -> Memory:
        return cls(PROGRAM_BYTES, limits.window_bytes, DECODED * limits.batch_bytes)

    @property
    def at_most_bytes(self) -> int:
        """Everything together."""
        return self.program_bytes + self.window_bytes + self.message_bytes


def filling(window_ms: int, lateness_ms: int) -> int:
    """How many windows of one partition may get rows at once."""
    return -(-lateness_ms // window_ms) + 1


def shown(length: int) -> str:
    """Write a length for people."""
    for unit, bytes_ in (("GB", 1e9), ("MB", 1e6)):
        if length >= bytes_:
            return f"{length / bytes_:.3g} {unit}"
    return f"{length / 1e3:.3g} kB"
