from __future__ import annotations

import os
import platform
import weakref
from pathlib import Path

import pytest

from monitor.heap import give_back

PIECE_BYTES = 100_000
"""Below the size that the C library takes from the system by itself."""


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the call is the GNU C library's")
def test_what_was_freed_between_things_in_use_goes_back_to_the_system() -> None:
    pieces = [b"x" * PIECE_BYTES for _ in range(1_000)]
    del pieces[:-1]  # the last one lies at the heap's end, and holds it up
    before = resident_bytes()
    give_back()
    assert before - resident_bytes() > 500 * PIECE_BYTES
    assert pieces


def test_garbage_in_cycles_goes_at_once() -> None:
    class Cycle:
        def __init__(self) -> None:
            self.itself = self

    gone = weakref.ref(Cycle())
    assert gone() is not None
    give_back()
    assert gone() is None
