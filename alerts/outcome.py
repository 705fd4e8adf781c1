"""What became of an attempt to send, in words that hold no secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, unquote_plus

LONGEST_ERROR = 500
SHORTEST_SECRET = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt. ``permanent``: trying again cannot help. ``error`` holds no secrets.

    ``retry_after_s`` is how long the service asks to be left alone.
    """

    ok: bool
    permanent: bool = False
    error: str = ""
    retry_after_s: float = 0.0


def secrets_of(url: str, masked: str) -> tuple[str, ...]:
    """Give the parts of a URL that are gone from its masked form, longest first."""
    kept = set(_parts(masked))
    return tuple(sorted(set(_parts(url)) - kept, key=lambda part: (-len(part), part)))


def mask(text: str, secrets: tuple[str, ...]) -> str:
    """Write *** for every secret in the text, on one line of bounded length."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return " ".join(text.split())[:LONGEST_ERROR]


def _parts(url: str) -> Iterator[str]:
    """Give everything in a URL that could be a secret, as written and decoded."""
    for piece in re.split(r"[/:@?&=,]+", url.partition("://")[2] or url):
        plain = unquote_plus(piece)
        for form in (piece, unquote(piece), plain, *plain.split("@")):
            if len(form) >= SHORTEST_SECRET:
                yield form
