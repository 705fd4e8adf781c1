"""References by their id: those of the plans, and those on which open windows were begun."""

from __future__ import annotations

from collections.abc import Iterable

from detectors.reference import Reference
from detectors.reference_wire import decode
from monitor.opened import MIXED
from monitor.plan import ModelPlan
from monitor.store.base import Store


class KnownReferences:
    """Keeps decoded what is asked for, until other plans come."""

    def __init__(self, store: Store, plans: Iterable[ModelPlan]) -> None:
        self._store = store
        self.follow(plans)

    def follow(self, plans: Iterable[ModelPlan]) -> None:
        """Know these plans' references, and let go of all others."""
        self.by_id: dict[str, Reference] = {plan.reference.id: plan.reference for plan in plans}

    def find(self, reference_id: str) -> Reference | None:
        """Give a reference by its id, from memory or the database; may raise `StoreError`."""
        if reference_id not in self.by_id and reference_id != MIXED:
            row = self._store.reference(reference_id)
            if row is not None:
                self.by_id[reference_id] = decode(row.payload)
        return self.by_id.get(reference_id)
