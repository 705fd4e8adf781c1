"""Python's collector of cyclic garbage, told how a long-lived reader of messages allocates."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_THRESHOLD = 50_000
"""New objects after which young ones are looked at: a batch of messages, which go without its help."""


@contextmanager
def relieved() -> Iterator[None]:
    """Leave alone what is there at the start, and look at the rest seldom.

    Messages are in no cycles, but each is an object or two, and by default some hundred of them have the
    collector look, at times at everything that was ever imported: half the time of reading them.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_THRESHOLD, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
