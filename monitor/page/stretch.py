"""Which windows are looked at: so many of one length, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.config import Duration, Model

COLUMNS = 60


@dataclass(frozen=True, slots=True)
class Stretch:
    """`COLUMNS` windows of ``multiple`` base windows each, aligned as they are judged."""

    multiple: int
    window_ms: int
    start_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        """Of one of the windows."""
        return self.window_ms * self.multiple

    @property
    def starts(self) -> range:
        """Of every window."""
        return range(self.start_ms, self.end_ms, self.length_ms)

    def column(self, start_ms: int) -> int:
        """Give the place of the window that begins then."""
        return (start_ms - self.start_ms) // self.length_ms

    @property
    def words(self) -> str:
        """How long it is, and of what."""
        return f"{Duration(self.end_ms - self.start_ms)}, in windows of {Duration(self.length_ms)}"


def stretch_until(settings: Model, multiple: int, until_ms: int) -> Stretch:
    """Give the stretch whose last window holds the moment before ``until_ms``."""
    length = settings.window.ms * multiple
    end = -(-until_ms // length) * length
    return Stretch(multiple, settings.window.ms, end - COLUMNS * length, end)
