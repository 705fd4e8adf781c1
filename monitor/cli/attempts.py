"""What was tried, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from monitor.errors import DriftdError


class State(StrEnum):
    """What became of an attempt; a note is neither good nor bad, but has to be known."""

    OK = "ok"
    NOTE = "note"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One thing that was tried, and what there is to say about it."""

    what: str
    state: State
    text: str


def tried(what: str, attempt: Callable[[], str]) -> Attempt:
    """Try it; an error is what there is to say."""
    try:
        return Attempt(what, State.OK, attempt())
    except DriftdError as error:
        return Attempt(what, State.FAILED, str(error))
    except Exception as error:  # noqa: BLE001  # drivers raise what they like; to hear it is what this is for
        return Attempt(what, State.FAILED, f"{type(error).__name__}: {error}")
