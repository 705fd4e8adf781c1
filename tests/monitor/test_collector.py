from __future__ import annotations

import gc
import weakref

from monitor.collector import relieved


class Cycle:
    def __init__(self) -> None:
        self.me = self


def test_the_collector_leaves_alone_what_is_there_collects_what_comes_and_is_as_before_afterwards() -> None:
    before = gc.get_threshold()
    with relieved():
        assert gc.get_freeze_count() > 1000
        gone = weakref.ref(Cycle())
        kept = [[] for _ in range(gc.get_threshold()[0] + 1_000)]  # type: ignore[var-annotated]
        assert gone() is None
        assert len(kept) > before[0]
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
