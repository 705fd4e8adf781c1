"""Which services would hear of a model's alerts, in the words of `driftd check`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from alerts.model import Alert, Severity, Status, labels
from alerts.routes import Route, services_for
from monitor.config import Alerts
from monitor.config.alerting import SHIFTS

_KNOWN = frozenset({"model", "shift", "severity"})
"""The labels whose every value is known before anything happens."""
_LOUDEST_FIRST = tuple(reversed(Severity))


@dataclass(frozen=True, slots=True)
class Ways:
    """Where one model's alerts go.

    ``usual`` has the services by severity and shift, for alerts that no route takes for their feature, check,
    segment or owner; ``special`` has the routes that do, by their position.
    """

    usual: Mapping[tuple[Severity, str], frozenset[str]]
    special: Mapping[int, Route]


def ways_of(model: str, settings: Alerts) -> Ways:
    """Ask the routes about every severity and shift."""
    numbered = dict(enumerate(settings.routing()))
    special = {
        number: route
        for number, route in numbered.items()
        if not route.match.keys() <= _KNOWN and route.accepts("model", model)
    }
    usual = tuple(route for number, route in numbered.items() if route.match.keys() <= _KNOWN)
    return Ways(
        {
            (severity, shift): _services(model, severity, shift, usual if numbered else (), settings)
            for severity in _LOUDEST_FIRST
            for shift in SHIFTS
        },
        special,
    )


def _services(
    model: str, severity: Severity, shift: str, routes: Sequence[Route], settings: Alerts
) -> frozenset[str]:
    if settings.routes and not routes:
        return frozenset()
    alert = Alert(labels(model=model, shift=shift), severity, Status.FIRING, 1, 0, 0, 0, None, 1, 0, {})
    return services_for(alert, routes, settings.services)


def said(ways: Ways) -> Iterator[str]:
    """Say "critical to oncall and team, warning and info to team", and what special routes take before."""
    groups: dict[frozenset[str], list[str]] = {}
    for severity in _LOUDEST_FIRST:
        by_services: dict[frozenset[str], list[str]] = {}
        for shift in SHIFTS:
            by_services.setdefault(ways.usual[severity, shift], []).append(shift)
        for services, shifts in by_services.items():
            words = str(severity) if len(shifts) == len(SHIFTS) else f"{severity} ({', '.join(shifts)})"
            groups.setdefault(services, []).append(words)
    yield "; ".join(f"{', '.join(words)} to {_to(services)}" for services, words in groups.items())
    for number, route in ways.special.items():
        wanted = " and ".join(f"{name} {' or '.join(values)}" for name, values in route.match.items())
        beside = ", and on" if route.continue_ else ""
        yield f"routes[{number}], {wanted}: to {_to(frozenset(route.to))}{beside}"


def _to(services: frozenset[str]) -> str:
    return ", ".join(sorted(services)) or "nobody"
