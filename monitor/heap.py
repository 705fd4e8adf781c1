"""Memory that is used no more goes back to the system."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable


def _found() -> Callable[[int], int] | None:
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # the call is the GNU C library's own
        return None
    return trim


_malloc_trim = _found()


def give_back() -> None:
    """Collect garbage in cycles, and have the C library give the free pages inside its heap back.

    By itself Python collects what a database's results leave behind after very many of them only (see
    `monitor.collector`), and the GNU C library gives back what lies at the heap's end: a process would keep
    the size of the largest backlog that it has ever read, and grow as garbage comes to lie between what is
    used. Takes some milliseconds.
    """
    gc.collect()
    if _malloc_trim is not None:
        _malloc_trim(0)
