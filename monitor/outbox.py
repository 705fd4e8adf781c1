"""Each service's own thread: its notifications leave here, one at a time, until they are sent or given up."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime
from random import Random
from typing import Any, Protocol

from alerts.backoff import next_attempt
from alerts.outcome import Outcome
from alerts.outgoing import Message
from monitor.clock import Clock
from monitor.errors import DriftdError, StoreError
from monitor.log import logger
from monitor.metrics import Metrics
from monitor.store.base import Outbound, Store

log = logger(__name__)

LEASE_S = 45.0
"""How long a claimed notification is this process's own: longer than any attempt takes."""
_PAUSE_S = 1.0
_STATUSES = ("sent", "failed", "dropped")


class Sends(Protocol):
    """What the outbox needs of `alerts.send.Sender`."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def pause_s(self, service: str) -> float: ...

    def takes_pictures(self, service: str) -> bool: ...

    def send(
        self, service: str, message: Message, now: datetime, picture: bytes | None = None
    ) -> Outcome: ...


class Draws(Protocol):
    """What the outbox needs of `monitor.pictures.Pictures`."""

    def of(self, payload: Mapping[str, Any]) -> bytes | None: ...


class Outbox:
    """Drains one service's part of the outbox table: at least once, in order per group, with back-off.

    One service that hangs holds up no other.
    """

    def __init__(
        self,
        service: str,
        store: Store,
        sender: Sends,
        clock: Clock,
        rng: Random,
        metrics: Metrics | None,
        pictures: Draws | None = None,
    ) -> None:
        """Take what draws ``pictures``; None: messages carry none."""
        self._service = service
        self._store = store
        self._sender = sender
        self._clock = clock
        self._rng = rng
        self._metrics = metrics
        self._pictures = pictures
        if metrics is not None:
            for status in _STATUSES:
                metrics.notifications.labels(
                    receiver=service, status=status
                )  # 0 is told: so is the first rise

    def run(self, stop: threading.Event) -> None:
        """Send until told to stop; a database that is away only makes it wait."""
        while not stop.is_set():
            try:
                rest_s = self.send_next()
            except StoreError as error:
                log.warning("outbox waits for the database", service=self._service, error=str(error))
                rest_s = _PAUSE_S
            except DriftdError as error:  # the service's loop meets the same, and ends the process
                log.error("outbox stops", service=self._service, error=str(error))  # noqa: TRY400  # told in a sentence
                return
            self._clock.wait(stop, rest_s)

    def send_next(self) -> float:
        """Send the oldest that is due, if any; give how long to rest then."""
        due = self._store.claim((self._service,), self._clock.now(), LEASE_S, 1)
        if not due:
            return _PAUSE_S
        return max(self._attempt(due[0]), self._sender.pause_s(self._service))

    def _attempt(self, outbound: Outbound) -> float:
        """Try once; give how long the service wants to be left alone."""
        picture = self._picture(outbound)
        outcome = self._sender.send(outbound.service, outbound.message, self._clock.now(), picture)
        now = self._clock.now()
        if outcome.ok:
            self._store.mark_sent(outbound.id, now)
            self._count(outbound, "sent")
            log.info("notification sent", service=outbound.service, title=outbound.message.title)
            return 0.0
        retry = None
        if not outcome.permanent:
            retry = next_attempt(
                outbound.attempts, outbound.created_at, now, self._rng, outcome.retry_after_s
            )
        self._store.mark_failed(outbound.id, outcome.error, retry)
        self._count(outbound, "failed" if retry else "dropped")
        log.warning(
            "notification failed",
            service=outbound.service,
            error=outcome.error,
            next_attempt=None if retry is None else retry.isoformat(timespec="seconds"),
        )
        return outcome.retry_after_s

    def _picture(self, outbound: Outbound) -> bytes | None:
        """Draw for the first attempt only: whatever a picture may do to a message, the next one has none."""
        can = self._pictures is not None and self._sender.takes_pictures(outbound.service)
        if self._pictures is None or not can or outbound.attempts > 1:
            return None
        return self._pictures.of(outbound.message.payload)

    def _count(self, outbound: Outbound, status: str) -> None:
        if self._metrics is not None:
            self._metrics.notifications.labels(receiver=outbound.service, status=status).inc()
