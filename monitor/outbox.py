"""The outbox's own thread: notifications leave here, one at a time, until they are sent or given up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from random import Random
from typing import Protocol

from alerts.backoff import next_attempt
from alerts.outgoing import Message
from alerts.send import Outcome
from monitor.clock import Clock
from monitor.errors import StoreError
from monitor.log import logger
from monitor.metrics import Metrics
from monitor.store.base import Outbound, Store

log = logger(__name__)

LEASE_S = 120.0
"""How long a claimed notification is this process's own: longer than any attempt takes."""
_PAUSE_S = 1.0
_AT_ONCE = 10


class Sends(Protocol):
    """What the outbox needs of `alerts.send.Sender`."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def send(self, service: str, message: Message) -> Outcome: ...


class Outbox:
    """Drains the outbox table: at least once, in order per service, with back-off."""

    def __init__(
        self, store: Store, sender: Sends, clock: Clock, rng: Random, metrics: Metrics | None
    ) -> None:
        self._store = store
        self._sender = sender
        self._clock = clock
        self._rng = rng
        self._metrics = metrics

    def run(self, stop: threading.Event) -> None:
        """Send until told to stop; a database that is away only makes it wait."""
        while not stop.is_set():
            try:
                sent = self.drain(stop.is_set)
            except StoreError as error:
                log.warning("outbox waits for the database", error=str(error))
                sent = 0
            if not sent:
                self._clock.wait(stop, _PAUSE_S)

    def drain(self, is_stopping: Callable[[], bool] = lambda: False) -> int:
        """Send what is due now; return how many attempts were made."""
        attempts = 0
        while not is_stopping():
            due = self._store.claim(self._sender.names, self._clock.now(), LEASE_S, _AT_ONCE)
            for outbound in due:
                if is_stopping():
                    return attempts
                self._attempt(outbound)
                attempts += 1
            if len(due) < _AT_ONCE:
                return attempts
        return attempts

    def _attempt(self, outbound: Outbound) -> None:
        outcome = self._sender.send(outbound.service, outbound.message)
        now = self._clock.now()
        if outcome.ok:
            self._store.mark_sent(outbound.id, now)
            self._count(outbound, "sent")
            log.info("notification sent", service=outbound.service, title=outbound.message.title)
            return
        retry = None
        if not outcome.permanent:
            retry = next_attempt(outbound.attempts, outbound.created_at, now, self._rng)
        self._store.mark_failed(outbound.id, outcome.error, retry)
        self._count(outbound, "failed" if retry else "dropped")
        log.warning(
            "notification failed",
            service=outbound.service,
            error=outcome.error,
            next_attempt=None if retry is None else retry.isoformat(timespec="seconds"),
        )

    def _count(self, outbound: Outbound, status: str) -> None:
        if self._metrics is not None:
            self._metrics.notifications.labels(receiver=outbound.service, status=status).inc()
