"""[alerts]: who is told, and how often."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from msgspec import field

import alerts.routes
from alerts.model import Severity
from alerts.push import Kind
from alerts.timetable import Timetable
from detectors.result import Shift
from monitor.config.durations import Duration
from monitor.config.secret import Secret
from monitor.config.section import Mistake, Section, nearest

MATCHABLE = ("model", "shift", "feature", "check", "segment", "severity", "owner")
SHIFTS = (*(str(shift) for shift in Shift), "performance", "quality")
VALUES = {"severity": tuple(str(severity) for severity in Severity), "shift": SHIFTS}
_PLACEHOLDER = re.compile(r"\{(.*?)\}")


class ServiceUrl(Section, frozen=True, kw_only=True):
    """[alerts.services] NAME: where the URL of one service is kept; exactly one of the three."""

    TABLE: ClassVar[str] = '{ env = "NAME" }, { file = "PATH" } or { url = "..." }'

    env: str | None = None
    file: str | None = None
    url: Secret | None = None
    kind: Literal["apprise", "alertmanager", "webhook"] = "apprise"
    digest: str | None = None

    def mistakes(self) -> Iterator[Mistake]:
        given = [value for value in (self.env, self.file, self.url) if value]
        if len(given) != 1:
            yield Mistake((), f"give exactly one of {self.TABLE}")
        if self.digest is not None:
            try:
                _ = self.timetable
            except ValueError as error:
                yield Mistake(("digest",), str(error))
            if self.kind != "apprise":
                yield Mistake(("digest",), f"is for people, not for a service of kind {self.kind}")

    @property
    def timetable(self) -> Timetable | None:
        """When the service gets its digest; None: it is told of alerts as they come."""
        return None if self.digest is None else Timetable.parse(self.digest)


class Route(Section, frozen=True, kw_only=True):
    """[[alerts.routes]]: alerts with these labels go to these services; a list has one that fits."""

    match: dict[str, str | tuple[str, ...]] = field(default_factory=dict)
    to: tuple[str, ...]
    continue_: bool = field(default=False, name="continue")

    def routing(self) -> alerts.routes.Route:
        """Give the route as the alerts know it."""
        return alerts.routes.Route(match=self.patterns, to=self.to, continue_=self.continue_)

    @property
    def patterns(self) -> dict[str, tuple[str, ...]]:
        """The values that each label may have; one alone is a list of one."""
        return {name: (one,) if isinstance(one, str) else one for name, one in self.match.items()}

    def mistakes(self) -> Iterator[Mistake]:
        for name, values in self.patterns.items():
            if name not in MATCHABLE:
                known = ", ".join(MATCHABLE)
                text = f'alerts have no label "{name}"{nearest(name, MATCHABLE)} (known: {known})'
                yield Mistake(("match", name), text)
                continue
            if not values:
                yield Mistake(("match", name), "is an empty list, which no alert fits: give a value")
            choices = VALUES.get(name, values)
            for position, value in enumerate(values):
                if not any(alerts.routes.fits(value, choice) for choice in choices):
                    place = () if isinstance(self.match[name], str) else (position,)
                    yield Mistake(("match", name, *place), none_of(value, choices))


def none_of(value: str, choices: Sequence[str]) -> str:
    """Say that a value is not known, and which is near."""
    return f'"{value}" is none of {", ".join(choices)}{nearest(value, choices)}'


class Links(Section, frozen=True, kw_only=True):
    """[alerts.links]: web addresses to put into messages; ``{model}`` becomes the model's name."""

    dashboard: str = ""
    runbook: str = ""

    def of_model(self, model: str) -> dict[str, str]:
        """Give the addresses that are set, by what they are, for one model."""
        name = quote(model, safe="")
        templates = {"dashboard": self.dashboard, "runbook": self.runbook}
        return {word: text.replace("{model}", name) for word, text in templates.items() if text}

    def mistakes(self) -> Iterator[Mistake]:
        for key, template in (("dashboard", self.dashboard), ("runbook", self.runbook)):
            if template and not template.startswith(("http://", "https://")):
                yield Mistake((key,), "has to begin with http:// or https://")
            for name in _PLACEHOLDER.findall(template):
                if name != "model":
                    yield Mistake(
                        (key,), f'has an unknown placeholder "{{{name}}}": only {{model}} is filled in'
                    )


class Alerts(Section, frozen=True, kw_only=True):
    """When messages are sent and to whom. Without routes every service gets everything."""

    services: dict[str, ServiceUrl] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    group_wait: Duration = Duration.parse("1m")
    group_interval: Duration = Duration.parse("15m")
    repeat_interval: Duration = Duration.parse("1d")
    send_resolved: bool = True
    pictures: bool = True
    slack_root: str = "https://hooks.slack.com/services"
    links: Links = field(default_factory=Links)

    @property
    def kinds(self) -> dict[str, Kind]:
        """What each service takes."""
        return {name: Kind(service.kind) for name, service in self.services.items()}

    @property
    def expiring(self) -> frozenset[str]:
        """The services that forget alerts which they are not told of again."""
        return frozenset(name for name, kind in self.kinds.items() if kind is Kind.ALERTMANAGER)

    @property
    def digests(self) -> dict[str, Timetable]:
        """The services that get digests, and when."""
        given = {name: service.timetable for name, service in self.services.items()}
        return {name: timetable for name, timetable in given.items() if timetable is not None}

    def routing(self) -> tuple[alerts.routes.Route, ...]:
        """Give the routes as the alerts know them, in the order in which they are asked."""
        return tuple(route.routing() for route in self.routes)

    def mistakes(self) -> Iterator[Mistake]:
        for index, route in enumerate(self.routes):
            for position, name in enumerate(route.to):
                if name not in self.services:
                    text = (
                        f'there is no service "{name}"{nearest(name, self.services)}{_known(self.services)}'
                    )
                    yield Mistake(("routes", index, "to", position), text)
        if not self.slack_root.startswith(("http://", "https://")):
            yield Mistake(("slack_root",), "has to begin with http:// or https://")
        if not self.repeat_interval.ms:
            yield Mistake(("repeat_interval",), "is 0: the same message would be sent without end")


def _known(services: Mapping[str, Any]) -> str:
    return f" (known: {', '.join(services)})" if services else ": [alerts.services] is empty"
