from __future__ import annotations

import pytest

from alerts.model import Severity
from alerts.routes import Route, services_for
from tests.alerts.incidents import alert

SERVICES = ("oncall", "team", "archive")
ARCHIVE = Route({}, ("archive",), continue_=True)
CHURN = Route({"model": "churn"}, ("team",))
CRITICAL = Route({"severity": "critical"}, ("oncall",), continue_=True)
REST = Route({}, ("team", "oncall"))


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ((), SERVICES),
        ((CHURN, REST), ("team",)),
        ((REST, CHURN), ("team", "oncall")),
        ((ARCHIVE, CHURN, REST), ("archive", "team")),
        ((CRITICAL, CHURN), ("team",)),
        ((Route({"model": "fraud"}, ("team",)),), ()),
        ((Route({"model": "churn"}, ()), REST), ()),
        ((Route({"model": "churn", "feature": "age"}, ("oncall",)), CHURN), ("team",)),
        ((Route({}, ("nobody",)),), ()),
    ],
)
def test_the_first_route_that_takes_an_alert_decides(
    routes: tuple[Route, ...], expected: tuple[str, ...]
) -> None:
    assert services_for(alert(), routes, SERVICES) == frozenset(expected)


def test_routes_can_ask_for_the_severity() -> None:
    loud = alert(severity=Severity.CRITICAL)
    assert services_for(loud, (CRITICAL, CHURN), SERVICES) == {"oncall", "team"}
