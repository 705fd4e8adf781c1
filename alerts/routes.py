"""Which services hear about an alert."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from alerts.model import Alert, Status


@dataclass(frozen=True, slots=True)
class Route:
    """Alerts whose labels have all the values in ``match`` go to these services.

    An empty ``match`` takes every alert; an empty ``to`` is a way to say nothing.
    """

    match: Mapping[str, str] = field(default_factory=dict)
    to: tuple[str, ...] = ()
    continue_: bool = False

    def takes(self, alert: Alert) -> bool:
        return all(alert.matchable(name) == value for name, value in self.match.items())


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
