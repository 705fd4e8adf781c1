"""References by their id: those that are given, and those that the database has."""

from __future__ import annotations

from collections.abc import Iterable

from detectors.reference import Reference
from detectors.reference_wire import decode
from monitor.opened import MIXED
from monitor.store.base import Store


class KnownReferences:
    """Keeps decoded what is asked for, until others are to be known."""

    def __init__(self, store: Store, references: Iterable[Reference] = ()) -> None:
        self._store = store
        self.follow(references)

    def follow(self, references: Iterable[Reference]) -> None:
        """Know these references, and let go of all others."""
        self.by_id: dict[str, Reference] = {each.id: each for each in references}

    def find(self, reference_id: str) -> Reference | None:
        """Give a reference by its id, from memory or the database; may raise `StoreError`."""
        if reference_id not in self.by_id and reference_id != MIXED:
            row = self._store.reference(reference_id)
            if row is not None:
                self.by_id[reference_id] = decode(row.payload)
        return self.by_id.get(reference_id)
