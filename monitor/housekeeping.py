"""Old history goes, or is added up to days, a little at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.config import Retention
from monitor.errors import StoreError
from monitor.log import logger
from monitor.presence import Presence
from monitor.rollup import RollUp
from monitor.store.base import Store

log = logger(__name__)

_EVERY = timedelta(minutes=10)
_ROWS = 5_000


class Housekeeping:
    """Deletes or adds up what is older than the retention says, in steps that hold nothing up for long."""

    def __init__(
        self,
        store: Store,
        retention: Retention,
        presence: Presence | None = None,
        roll_up: RollUp | None = None,
    ) -> None:
        self._store = store
        self._roll_up = roll_up
        self._presence = presence
        self._retention = retention
        self._next: datetime | None = None

    def run(self, now: datetime) -> None:
        """Say that this process runs, and delete one step's worth when it is time."""
        if self._presence is not None:
            self._presence.keep_up(now)
        if self._next is not None and now < self._next <= now + _EVERY:  # later: the clock was set back
            return
        try:
            gone = self._store.delete_older(
                self._retention.results.before(now), self._retention.counts.before(now), _ROWS
            )
            is_more = gone >= _ROWS or (self._roll_up is not None and self._roll_up.step(now))
        except StoreError as error:
            log.warning("old history could not be deleted or added up now", error=str(error))
            is_more = False
        self._next = now + (timedelta(seconds=1) if is_more else _EVERY)
