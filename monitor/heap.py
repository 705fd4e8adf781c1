"""The C library's heap: what was freed after a peak goes back to the system."""

from __future__ import annotations

import ctypes
from collections.abc import Callable


def _found() -> Callable[[int], int] | None:
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # the call is the GNU C library's own
        return None
    return trim


_malloc_trim = _found()


def give_back() -> bool:
    """Give free pages inside the heap back; True when there were some.

    By itself the GNU C library gives back only what lies at the heap's end, so a process would keep the size
    of the largest backlog that it has ever read. Takes a millisecond or two; elsewhere does nothing.
    """
    return _malloc_trim is not None and bool(_malloc_trim(0))
