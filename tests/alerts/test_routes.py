from __future__ import annotations

import pytest

from alerts.model import Severity
from alerts.routes import Route, fits, services_for
from tests.alerts.incidents import alert

SERVICES = ("oncall", "team", "archive")
ARCHIVE = Route({}, ("archive",), continue_=True)
CHURN = Route({"model": ("churn",)}, ("team",))
CRITICAL = Route({"severity": ("critical",)}, ("oncall",), continue_=True)
REST = Route({}, ("team", "oncall"))


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ((), SERVICES),
        ((CHURN, REST), ("team",)),
        ((REST, CHURN), ("team", "oncall")),
        ((ARCHIVE, CHURN, REST), ("archive", "team")),
        ((CRITICAL, CHURN), ("team",)),
        ((Route({"model": ("fraud",)}, ("team",)),), ()),
        ((Route({"model": ("churn",)}, ()), REST), ()),
        ((Route({"model": ("churn",), "feature": ("age",)}, ("oncall",)), CHURN), ("team",)),
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


@pytest.mark.parametrize(
    ("match", "is_taken"),
    [
        ({"model": ("fraud", "churn")}, True),
        ({"model": ("fraud", "risk")}, False),
        ({"model": ("ch*",)}, True),
        ({"model": ("ch?rn",)}, True),
        ({"model": ("ch?",)}, False),
        ({"model": ("*",), "feature": ("income", "a*")}, True),
        ({"model": ("churn",), "feature": ("income", "b*")}, False),
        ({"feature": ("AGE",)}, False),
        ({"feature": ("a[g]e",)}, False),
        ({"feature": ("a.e",)}, False),
        ({"segment": ("",)}, True),
        ({"segment": ("?*",)}, False),
        ({"shift": ("quality", "co*")}, True),
        ({"severity": ("critical", "warning")}, True),
        ({"severity": ("critical",)}, False),
        ({"owner": ("team-*",)}, True),
        ({"owner": ("anna",)}, False),
    ],
)
def test_routes_ask_for_one_of_several_values_or_patterns(
    match: dict[str, tuple[str, ...]], is_taken: bool
) -> None:
    told = alert("age", severity=Severity.WARNING, annotations={"owner": "team-risk"})
    assert Route(match).takes(told) == is_taken


def test_texts_that_look_like_a_pattern_fit_themselves_and_lines_do_not_matter() -> None:
    assert fits("a*b", "a*b")
    assert fits("x[0]", "x[0]")
    assert not fits("x[0]", "x0")
    assert fits("country=*", "country=a\nb")


@pytest.mark.parametrize(
    ("first", "second", "is_covered"),
    [
        ({}, {"model": ("a",)}, True),
        ({"model": ("a",)}, {}, False),
        ({"model": ("a", "b")}, {"model": ("a",), "feature": ("x",)}, True),
        ({"model": ("a",)}, {"model": ("a", "b")}, False),
        ({"model": ("a*",)}, {"model": ("ab", "ac")}, True),
        ({"model": ("a*",)}, {"model": ("ab*",)}, False),
        ({"model": ("a*",)}, {"model": ("a*",)}, True),
    ],
)
def test_a_route_covers_what_it_surely_takes_all_of(
    first: dict[str, tuple[str, ...]], second: dict[str, tuple[str, ...]], is_covered: bool
) -> None:
    assert Route(first).covers(Route(second)) == is_covered
