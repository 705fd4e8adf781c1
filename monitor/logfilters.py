"""What a log line may not hold, and how often it may come."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

from monitor.clock import Clock

MASK = "***"
LONGEST = 4_000
"""Characters of one value that reach the log."""

_PASSWORD = re.compile(r"(://[^\s/:@]*:)[^\s/@]+(?=@)")
_HOOK = re.compile(r"(https?://hooks\.[^/\s]+/)[^\s\"']+")
_SECRET_KEY = re.compile(r"password|passwd|secret|token|authorization|api_?key", re.IGNORECASE)
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)  # and what breaks lines elsewhere, or reorders them
_SHORTEST_SECRET = 4
_MULTILINE = {"exception", "stack"}


class Redact:
    """A processor that masks secrets, cuts long values, and shows bytes only as their number.

    Masked are the given secrets wherever they appear, passwords in URLs, webhook addresses, and values whose
    key says that they are secret.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        longest_first = sorted(
            {each for each in secrets if len(each) >= _SHORTEST_SECRET}, key=len, reverse=True
        )
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {key: self._shown(key, value) for key, value in event.items()}

    def _shown(self, key: str, value: Any) -> Any:
        if _SECRET_KEY.search(key):
            return MASK
        if isinstance(value, bytes | bytearray | memoryview):
            return f"<{len(value)} bytes>"
        if isinstance(value, dict):
            return {str(inner): self._shown(str(inner), item) for inner, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._shown(key, item) for item in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.text(str(value), may_have_lines=key in _MULTILINE)

    def text(self, text: str, *, may_have_lines: bool = False) -> str:
        """Mask and cut one text; control characters, which could forge lines, become visible."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        text = _HOOK.sub(rf"\1{MASK}", _PASSWORD.sub(rf"\1{MASK}", text))
        text = _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)
        if may_have_lines:
            return text
        text = text.replace("\n", "\\n")
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"


class Quieten:
    """A processor that lets an identical warning or error pass once a minute.

    Identical means: the same event from the same module about the same model, topic, service and outage. What
    was held back is counted in ``repeated`` of the next line that passes. At most ``most`` are remembered.
    """

    _ABOUT = ("level", "module", "event", "model", "topic", "service", "what", "outage")

    def __init__(self, clock: Clock, pause_s: float = 60.0, most: int = 1_000) -> None:
        self._clock = clock
        self._pause_s = pause_s
        self._most = most
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[str, ...], tuple[float, int]] = OrderedDict()

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        if event.get("level") not in {"warning", "error"}:
            return event
        held_back = self._passes(tuple(str(event.get(key, "")) for key in self._ABOUT))
        if held_back is None:
            raise structlog.DropEvent
        return {**event, "repeated": held_back} if held_back else event

    def _passes(self, key: tuple[str, ...]) -> int | None:
        """Give how many were held back before this one; None when this one is to be held back too."""
        now_s = self._clock.monotonic()
        with self._lock:
            passed_s, held_back = self._seen.get(key, (None, 0))
            if passed_s is not None and now_s - passed_s < self._pause_s:
                self._seen[key] = (passed_s, held_back + 1)
                return None
            self._seen[key] = (now_s, 0)
            self._seen.move_to_end(key)
            while len(self._seen) > self._most:
                self._seen.popitem(last=False)
        return held_back
