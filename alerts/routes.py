"""Which services hear about an alert."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from alerts.model import Alert, Status

WILD = frozenset("*?")
"""What makes a text a pattern: any characters, and any single one."""


def fits(pattern: str, value: str) -> bool:
    """Whether a value is this text, or is one that the pattern stands for."""
    return pattern == value or (is_wild(pattern) and _compiled(pattern).fullmatch(value) is not None)


def is_wild(text: str) -> bool:
    """Whether a text stands for several."""
    return not WILD.isdisjoint(text)


@lru_cache(maxsize=1_000)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(letter) or re.escape(letter) for letter in pattern), re.DOTALL)


@dataclass(frozen=True, slots=True)
class Route:
    """Alerts that have, of every label in ``match``, one of the values go to these services.

    A value is a text or a pattern (see `fits`); a label that an alert does not have counts as empty. An empty
    ``match`` takes every alert; an empty ``to`` is a way to say nothing.
    """

    match: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    to: tuple[str, ...] = ()
    continue_: bool = False

    def takes(self, alert: Alert) -> bool:
        """Whether the alert is one of those that go this way."""
        return all(self.accepts(name, alert.matchable(name)) for name in self.match)

    def accepts(self, name: str, value: str) -> bool:
        """Whether alerts with this value of a label may go this way."""
        return name not in self.match or any(fits(pattern, value) for pattern in self.match[name])

    def covers(self, other: Route) -> bool:
        """Whether it surely takes every alert that the other takes."""
        return all(
            name in other.match and all(_stands_for(mine, each) for each in other.match[name])
            for name, mine in self.match.items()
        )


def _stands_for(patterns: tuple[str, ...], pattern: str) -> bool:
    """Whether one of the patterns is the other, or fits it when that is a plain text."""
    return pattern in patterns or (not is_wild(pattern) and any(fits(each, pattern) for each in patterns))


def services_for(alert: Alert, routes: Iterable[Route], services: Iterable[str]) -> frozenset[str]:
    """Give the services that are to hear about the alert.

    The first route that takes the alert decides, unless it says ``continue_``:
    then later ones add to it. An alert that no route takes goes nowhere, but
    without any route at all every service hears everything.
    """
    ordered = tuple(routes)
    if not ordered:
        return frozenset(services)
    to: set[str] = set()
    for route in ordered:
        if route.takes(alert):
            to.update(route.to)
            if not route.continue_:
                break
    return frozenset(to) & frozenset(services)


def heard_by(
    service: str, alerts: Iterable[Alert], routes: Iterable[Route], services: Iterable[str]
) -> tuple[Alert, ...]:
    """Give the alerts that a service is told of: of what fires as a whole, no segments beside it."""
    ways, names = tuple(routes), tuple(services)
    mine = tuple(alert for alert in alerts if service in services_for(alert, ways, names))
    firing = [alert for alert in mine if alert.status is Status.FIRING]
    whole = {_moved(alert) for alert in firing if not alert.label("segment")}
    folded = {a.alert_id for a in firing if a.label("segment") and _moved(a) in whole}
    return tuple(alert for alert in mine if alert.alert_id not in folded)


def _moved(alert: Alert) -> tuple[str, ...]:
    return tuple(alert.label(name) for name in ("model", "shift", "feature"))
