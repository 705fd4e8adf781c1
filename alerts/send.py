"""Sending messages: through Apprise, which only this imports, and as data."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import wraps
from hashlib import blake2b
from typing import Any, Protocol

from apprise import (
    LOGGER_NAME,
    Apprise,
    AppriseAsset,
    AppriseAttachment,
    AppriseResult,
    AppriseResultStatus,
    NotifyFormat,
    NotifyType,
    PersistentStoreMode,
)
from apprise.attachment.memory import AttachMemory
from requests import PreparedRequest, Response, Session

from alerts.backoff import LONGEST_S
from alerts.mail import with_picture
from alerts.outcome import Outcome, mask, secrets_of
from alerts.outgoing import Message
from alerts.push import TIMEOUT_S, Kind, Push

PICTURE = "drift.png"
LONGEST_KEY = 255  # of PagerDuty's dedup_key
DEAD_ENDS = ("Dropped invalid", "There are no ")
"""How Apprise's log lines begin when it accepts a URL whose receivers it then leaves out."""


class Receiver(Protocol):
    """One service: how it is shown, how long it rests between two messages, and how it is sent one."""

    @property
    def address(self) -> str: ...

    @property
    def pause_s(self) -> float: ...

    @property
    def takes_pictures(self) -> bool: ...

    def send(self, message: Message, now: datetime, picture: bytes | None = None) -> Outcome: ...


class Sender:
    """All services, built once and kept.

    One thread for each service: an attempt may take `TIMEOUT_S` seconds, and a service
    that does not answer in time may still get the message afterwards.
    """

    def __init__(
        self,
        services: Mapping[str, str],
        slack_root: str | None = None,
        kinds: Mapping[str, Kind] | None = None,
    ) -> None:
        """Take names and URLs, of Apprise unless ``kinds`` says otherwise.

        Raises ValueError naming the service, and never its URL, when one is not
        understood. ``slack_root`` replaces https://hooks.slack.com/services
        for a relay or a receiver on this machine.
        """
        of = {name: Kind(str((kinds or {}).get(name, Kind.APPRISE))) for name in services}
        self._receivers: dict[str, Receiver] = {
            name: AppriseService(name, url, slack_root)
            if of[name] is Kind.APPRISE
            else Push(name, url, of[name])
            for name, url in services.items()
        }

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._receivers)

    def address(self, service: str) -> str:
        """Give the service's URL with its secrets masked."""
        return self._receivers[service].address

    def pause_s(self, service: str) -> float:
        """Give how long to rest between two messages to the service: the caller keeps that."""
        return self._receivers[service].pause_s

    def takes_pictures(self, service: str) -> bool:
        """Tell whether messages to the service can carry a picture."""
        return service in self._receivers and self._receivers[service].takes_pictures

    def send(self, service: str, message: Message, now: datetime, picture: bytes | None = None) -> Outcome:
        """Try once. A service of no such name is a permanent failure; nothing is raised for it."""
        if service not in self._receivers:
            known = ", ".join(self._receivers) or "none"
            return Outcome(ok=False, permanent=True, error=f"no service {service!r} (known: {known})")
        return self._receivers[service].send(message, now, picture)


class AppriseService:
    """A service that Apprise sends to."""

    def __init__(self, name: str, url: str, slack_root: str | None) -> None:
        self._apprise = _service(name, url)
        self._plugin = self._apprise.services[0]
        self._secrets = secrets_of(url, self.address)
        if slack_root is not None and _scheme(self._plugin) == "slack":
            self._plugin.webhook_url = slack_root.rstrip("/")
        self._is_mail = _scheme(self._plugin) in {"mailto", "mailtos"}
        self._has_own_key = bool(getattr(self._plugin, "dedup", None))
        if _scheme(self._plugin) == "pagerduty" and "action=" not in url:
            self._plugin.action = "map"  # what has ended resolves the incident

    @property
    def address(self) -> str:
        return str(self._plugin.url(privacy=True))

    @property
    def pause_s(self) -> float:
        """Apprise would rest by the wall clock: set back by an hour, it would sleep for an hour."""
        return float(self._plugin.request_rate_per_sec)

    @property
    def takes_pictures(self) -> bool:
        """Mail does, and Slack when a bot posts: Apprise drops what is attached to a webhook's message."""
        return self._is_mail or (_scheme(self._plugin) == "slack" and self._plugin.mode == "bot")

    def send(self, message: Message, now: datetime, picture: bytes | None = None) -> Outcome:
        """Try once."""
        del now
        carried = picture if self.takes_pictures else None
        body, body_format = _body(self._plugin, message)
        if self._is_mail:
            self._plugin.inline = carried is not None
            body = body if carried is None else with_picture(body, PICTURE, "what moved, and since when")
        self._plugin._last_io_datetime = None  # noqa: SLF001  # see `pause_s`
        if _scheme(self._plugin) == "pagerduty" and not self._has_own_key:
            self._plugin.dedup = incident_key(message)
        asked: list[float] = []
        _asked.set(asked)
        result = self._apprise.notify(
            body,
            title=message.title,
            body_format=body_format,
            notify_type=_kind(message.title),
            timeout=TIMEOUT_S,
            attach=None if carried is None else AppriseAttachment(_attached(carried)),
        )
        return _outcome(result, self._secrets, max(asked, default=0.0))


def _attached(picture: bytes) -> AttachMemory:
    return AttachMemory(content=picture, name=PICTURE, mimetype="image/png")  # type: ignore[no-untyped-call]


def incident_key(message: Message) -> str:
    """Name the incident at PagerDuty: all messages about a model are about the same one, until it ends."""
    group = str(message.payload.get("group_key") or "") or message.title
    key = f"driftd {group}"
    if len(key) <= LONGEST_KEY:
        return key
    return f"driftd {blake2b(group.encode(), digest_size=16).hexdigest()}"


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
    if title.startswith(("[TEST]", "[DIGEST]")):
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
