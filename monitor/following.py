"""Taking over references that somebody has put into force while the service runs."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.clock import Clock
from monitor.compile import plans_of
from monitor.config import Config
from monitor.errors import DriftdError, StoreError
from monitor.log import logger
from monitor.plan import ModelPlan
from monitor.store.base import Store

log = logger(__name__)

_EVERY_S = 20.0


class Following:
    """Looks once in a while which references are in force."""

    def __init__(self, store: Store, clock: Clock, every_s: float = _EVERY_S) -> None:
        self._store = store
        self._clock = clock
        self._every_s = every_s
        self._next_s = clock.monotonic() + every_s

    def plans(self, config: Config, running: Mapping[str, ModelPlan]) -> dict[str, ModelPlan] | None:
        """Give all plans anew when some reference is another than the one that runs; else None.

        A reference that does not fit the configuration is told of, and the old one stays.
        """
        if self._clock.monotonic() < self._next_s:
            return None
        self._next_s = self._clock.monotonic() + self._every_s
        try:
            if not self._has_changed(config, running):
                return None
            return plans_of(config, self._store)
        except StoreError:
            return None  # the service waits for the database anyway
        except DriftdError as error:
            log.error("the reference in force does not fit, the old one stays", error=str(error))  # noqa: TRY400  # told in a sentence
            return None

    def _has_changed(self, config: Config, running: Mapping[str, ModelPlan]) -> bool:
        active = {row.model: row.id for row in self._store.references() if row.active}
        return any(
            active.get(config.reference_name(name), plan.reference.id) != plan.reference.id
            for name, plan in running.items()
        )
