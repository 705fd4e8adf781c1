"""Services that take alerts as data over HTTP, beside those that Apprise sends words to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import requests

from alerts.backoff import LONGEST_S
from alerts.outcome import Outcome, mask, secrets_of
from alerts.outgoing import Message
from alerts.payload import for_alertmanager, for_webhook

ALERTS = "/api/v2/alerts"
TIMEOUT_S = 20.0


class Kind(StrEnum):
    """What a service takes."""

    APPRISE = "apprise"  # words, in the way that its URL says
    ALERTMANAGER = "alertmanager"  # alerts, which it forgets unless they are sent again
    WEBHOOK = "webhook"  # what Alertmanager posts to webhooks


class Push:
    """One service, kept: its connections are used again."""

    def __init__(self, name: str, url: str, kind: Kind) -> None:
        """Raise ValueError, which holds no secrets, for what is no web address."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            example = "http://alertmanager:9093" if kind is Kind.ALERTMANAGER else "https://example.com/hook"
            raise ValueError(f"service {name!r}: kind {kind} needs a web address, like {example}")
        self.address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/***"
        self.pause_s = 0.0
        self.takes_pictures = False
        self._url = url
        self._body: Callable[[Message, datetime], Any] = lambda told, _: for_webhook(told.payload, name)
        if kind is Kind.ALERTMANAGER:
            self._url = parts._replace(path=parts.path.rstrip("/").removesuffix(ALERTS) + ALERTS).geturl()
            self._body = lambda told, now: for_alertmanager(told.payload, now)
        self._secrets = secrets_of(self._url, self.address)
        self._session = requests.Session()

    def send(self, message: Message, now: datetime, picture: bytes | None = None) -> Outcome:
        """Try once: any answer between 200 and 299 is a yes."""
        del picture
        body = self._body(message, now)
        try:
            with self._session.post(
                self._url, json=body, timeout=TIMEOUT_S, allow_redirects=False, stream=True
            ) as response:
                status, after = response.status_code, response.headers.get("Retry-After", "")
        except requests.RequestException as error:
            return Outcome(ok=False, error=mask(f"{type(error).__name__}: {error}", self._secrets))
        if 200 <= status < 300:  # noqa: PLR2004
            return Outcome(ok=True)
        asked_s = min(float(after), LONGEST_S) if after.isdecimal() else 0.0
        return Outcome(ok=False, error=f"answered {status}", retry_after_s=asked_s)
