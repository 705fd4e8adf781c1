"""Sending messages through Apprise, the one place that imports it."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import unquote, unquote_plus

from apprise import (
    LOGGER_NAME,
    Apprise,
    AppriseAsset,
    AppriseResult,
    AppriseResultStatus,
    NotifyFormat,
    NotifyType,
    PersistentStoreMode,
)
from requests import PreparedRequest, Response, Session

from alerts.backoff import LONGEST_S
from alerts.outgoing import Message

TIMEOUT_S = 20.0
LONGEST_ERROR = 500
SHORTEST_SECRET = 3
DEAD_ENDS = ("Dropped invalid", "There are no ")
"""How Apprise's log lines begin when it accepts a URL whose receivers it then leaves out."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt. ``permanent``: trying again cannot help. ``error`` holds no secrets.

    ``retry_after_s`` is how long the service asks to be left alone.
    """

    ok: bool
    permanent: bool = False
    error: str = ""
    retry_after_s: float = 0.0


class Sender:
    """All services, built once and kept.

    One thread for each service: an attempt may take `TIMEOUT_S` seconds, and a service
    that does not answer in time may still get the message afterwards.
    """

    def __init__(self, services: Mapping[str, str], slack_root: str | None = None) -> None:
        """Take names and Apprise URLs.

        Raises ValueError naming the service, and never its URL, when Apprise does
        not understand one. ``slack_root`` replaces https://hooks.slack.com/services
        for a relay or a receiver on this machine.
        """
        self._services = {name: _service(name, url) for name, url in services.items()}
        self._secrets = {
            name: secrets_of(url, _plugin(apprise).url(privacy=True))
            for (name, url), apprise in zip(services.items(), self._services.values(), strict=True)
        }
        for apprise in self._services.values():
            if slack_root is not None and _scheme(_plugin(apprise)) == "slack":
                _plugin(apprise).webhook_url = slack_root.rstrip("/")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._services)

    def address(self, service: str) -> str:
        """Give the service's URL with its secrets masked."""
        return str(_plugin(self._services[service]).url(privacy=True))

    def pause_s(self, service: str) -> float:
        """Give how long to rest between two messages to the service: the caller keeps that.

        Apprise would by the wall clock: set back by an hour, it would sleep for an hour.
        """
        return float(_plugin(self._services[service]).request_rate_per_sec)

    def send(self, service: str, message: Message) -> Outcome:
        """Try once. A service of no such name is a permanent failure; nothing is raised for it."""
        if service not in self._services:
            known = ", ".join(self._services) or "none"
            return Outcome(ok=False, permanent=True, error=f"no service {service!r} (known: {known})")
        apprise = self._services[service]
        body, body_format = _body(_plugin(apprise), message)
        _plugin(apprise)._last_io_datetime = None  # noqa: SLF001  # see `pause_s`
        asked: list[float] = []
        _asked.set(asked)
        result = apprise.notify(
            body,
            title=message.title,
            body_format=body_format,
            notify_type=_kind(message.title),
            timeout=TIMEOUT_S,
        )
        return _outcome(result, self._secrets[service], max(asked, default=0.0))


def secrets_of(url: str, masked: str) -> tuple[str, ...]:
    """Give the parts of a URL that are gone from its masked form, longest first."""
    kept = set(_parts(masked))
    return tuple(sorted(set(_parts(url)) - kept, key=lambda part: (-len(part), part)))


def mask(text: str, secrets: tuple[str, ...]) -> str:
    """Write *** for every secret in the text, on one line of bounded length."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return " ".join(text.split())[:LONGEST_ERROR]


def _service(name: str, url: str) -> Apprise:
    """Build one service, or refuse its URL in words that may be shown and logged."""
    apprise = Apprise(asset=_asset())
    with _captured() as said, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Apprise now imports every plugin it has
        accepted = apprise.add(url)
    losses = [line for line in said if line.startswith(DEAD_ENDS)]
    if accepted and len(apprise.services) == 1 and not losses:
        return apprise
    scheme, separator, _ = url.partition("://")
    reason = mask("; ".join(losses or said), secrets_of(url, ""))
    if len(apprise.services) > 1:
        reason = "it holds several URLs: give each a service of its own"
    begins = f"the URL that begins with {scheme}://" if separator and scheme.isalnum() else "its URL"
    raise ValueError(
        f"service {name!r}: Apprise cannot use {begins} ({reason or 'not understood'}); "
        "https://appriseit.com/services/ lists what the URLs look like"
    )


def _asset() -> AppriseAsset:
    return AppriseAsset(
        app_id="driftd",
        app_desc="driftd",
        storage_mode=PersistentStoreMode.MEMORY,  # nothing on disk
        image_url_mask="",  # no pictures from other people's servers
        image_url_logo="",
        allow_templates=False,
        async_mode=False,
    )


def _plugin(apprise: Apprise) -> Any:
    return apprise.services[0]


def _body(plugin: Any, message: Message) -> tuple[str, NotifyFormat]:
    if _scheme(plugin) == "slack":
        return message.slack_markdown, NotifyFormat.MARKDOWN
    if _scheme(plugin) in {"mailto", "mailtos"}:
        return message.html, NotifyFormat.HTML
    return message.text, NotifyFormat.TEXT


def _scheme(plugin: Any) -> str:
    return str(plugin.url(privacy=True)).partition("://")[0]


def _kind(title: str) -> NotifyType:
    """Give the colour: titles are the only place where a stored message says how bad it is."""
    if title.startswith("[RESOLVED]"):
        return NotifyType.SUCCESS
    if title.startswith("[TEST]"):
        return NotifyType.INFO
    return NotifyType.FAILURE if "] CRITICAL" in title else NotifyType.WARNING


_asked: ContextVar[list[float] | None] = ContextVar("asked", default=None)
"""The pauses that services asked for during this attempt; Apprise hands the context on to its threads."""


def _listening(send: Callable[..., Response]) -> Callable[..., Response]:
    """Hear what Apprise does not tell: the header Retry-After of an answer."""

    @wraps(send)
    def heard(session: Session, request: PreparedRequest, **options: Any) -> Response:
        response = send(session, request, **options)
        asked, after = _asked.get(), response.headers.get("Retry-After", "")
        if asked is not None and after.isdecimal():
            asked.append(min(float(after), LONGEST_S))
        return response

    return heard


Session.send = _listening(Session.send)  # type: ignore[method-assign]


def _outcome(result: AppriseResult, secrets: tuple[str, ...], retry_after_s: float) -> Outcome:
    if result.status is AppriseResultStatus.SUCCESS:
        return Outcome(ok=True)
    said = "; ".join(dict.fromkeys(entry.message for entry in result.logs()))
    status = result.status.name.lower()
    error = mask(f"{status}: {said}" if said else status, secrets)
    permanent = result.status is AppriseResultStatus.NOMATCH
    return Outcome(ok=False, permanent=permanent, error=error, retry_after_s=retry_after_s)


def _parts(url: str) -> Iterator[str]:
    """Give everything in a URL that could be a secret, as written and decoded."""
    for piece in re.split(r"[/:@?&=,]+", url.partition("://")[2] or url):
        plain = unquote_plus(piece)
        for form in (piece, unquote(piece), plain, *plain.split("@")):
            if len(form) >= SHORTEST_SECRET:
                yield form


@contextmanager
def _captured() -> Iterator[list[str]]:
    """Collect what Apprise says."""
    lines: list[str] = []
    handler = _Lines(lines)
    _apprise_log.addHandler(handler)
    try:
        yield lines
    finally:
        _apprise_log.removeHandler(handler)


_apprise_log = logging.getLogger(LOGGER_NAME)
_apprise_log.propagate = False  # never into the service's own log: it may quote tokens
_apprise_log.addHandler(logging.NullHandler())


class _Lines(logging.Handler):
    """Keeps messages at WARNING and above."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())
