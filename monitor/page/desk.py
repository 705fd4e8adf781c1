"""What every view works with."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from detectors.reference import Reference
from detectors.reference_wire import decode
from monitor.config import Config
from monitor.store.page import Look

MOST_KEPT = 8


class Shelf:
    """References that were read lately: they never change, and reading one takes its time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Reference] = OrderedDict()

    def find(self, reference_id: str, look: Look) -> Reference | None:
        """Give the reference; None when it is not in the database any more."""
        with self._lock:
            if reference_id in self._kept:
                self._kept.move_to_end(reference_id)
                return self._kept[reference_id]
        payload = look.reference(reference_id)
        if payload is None:
            return None
        found = decode(payload)
        with self._lock:
            self._kept[reference_id] = found
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return found


@dataclass(frozen=True, slots=True)
class Desk:
    """One moment of the database, the configuration that holds, and what time it is."""

    look: Look
    config: Config
    now: datetime
    shelf: Shelf

    def reference(self, reference_id: str) -> Reference | None:
        return self.shelf.find(reference_id, self.look)
