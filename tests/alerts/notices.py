"""Notices whose messages are kept as golden files."""

from __future__ import annotations

from dataclasses import replace

from alerts.model import Alert, Severity, Status
from alerts.notice import Context, Notice
from alerts.outgoing import Reason
from tests.alerts.incidents import DAY_MS, MARCH_31, alert, changes, drift, loan_alerts, medians, nulls

LINKS = {
    "Dashboard": "https://driftd.example/models/churn?from=a&to=b",
    "Runbook": "https://wiki.example/drift",
}
CONTEXT = Context(model_version="7", links=LINKS, budget="1 per 30d")
EVIL = (
    "<!channel> @here *b* _i_ ~s~ `c` <https://evil.example|click> [x](http://evil.example)"
    " & </td><script>\u202e\n\n# x"
)


def quality_alert(feature: str = "salary_range", check: str = "completeness") -> Alert:
    return alert(feature, shift="quality", check=check, annotations=nulls())


def slow_alert() -> Alert:
    week = drift(medians(0.41, 0.38, 0.043), 0.043, 0.028, 0.002)
    week |= {"window_start_ms": MARCH_31 - 7 * DAY_MS, "multiple": 8, "rows": 1320}
    return alert("score", shift="prior", opened_ms=MARCH_31 - 7 * DAY_MS, annotations=week)


def over(feature: str = "car_value", days: float = 3) -> Alert:
    end_ms = MARCH_31 + int(days * DAY_MS)
    return alert(feature, status=Status.RESOLVED, last_bad_ms=end_ms)


def many(n: int) -> tuple[Alert, ...]:
    return tuple(
        alert(f"feature_{i:02}", annotations=drift(medians(i, i + 10.0, i / 50), i / 50, i / 60))
        for i in range(n)
    )


def noticed(reason: Reason, firing: tuple[Alert, ...] = (), resolved: tuple[Alert, ...] = ()) -> Notice:
    return Notice("churn", reason, firing, resolved, frozenset(), CONTEXT)


def no_data() -> Alert:
    details = {"kind": "quality", "check": "row_count", "observed": "3 rows", "expected": "100 to 300 rows"}
    window = {"window_start_ms": MARCH_31, "window_end_ms": MARCH_31 + DAY_MS, "rows": 3}
    annotations = {"details": details, **window}
    return alert("", shift="quality", check="row_count", severity=Severity.CRITICAL, annotations=annotations)


def hostile() -> tuple[Alert, ...]:
    drifted = drift(changes({EVIL: (0.1, 0.9)}), 0.8, 0.7)
    broken = {"details": nulls()["details"] | {"check": EVIL, "note": EVIL}}
    return (
        alert(EVIL, annotations=drifted),
        alert("age", shift="quality", check="range", annotations=broken),
    )


LOAN = loan_alerts()
CASES = {
    "first": Notice("churn", Reason.FIRST, LOAN, context=Context(budget="1 per 30d")),
    "mixed": noticed(Reason.FIRST, (*LOAN, quality_alert(), slow_alert())),
    "new_alerts": Notice("churn", Reason.NEW_ALERTS, LOAN, new=frozenset({LOAN[1].fingerprint})),
    "some_resolved": noticed(Reason.RESOLVED, LOAN[:2], (over("salary_range", 1.25),)),
    "resolved": noticed(Reason.RESOLVED, (), (over(), over("loan_length", 0.5))),
    "repeat": noticed(Reason.REPEAT, (replace(LOAN[0], last_bad_ms=MARCH_31 + 2 * DAY_MS),)),
    "many": noticed(Reason.FIRST, many(43)),
    "no_data": noticed(Reason.FIRST, (no_data(),)),
    "hostile": Notice("churn", Reason.FIRST, hostile()),
    "test": noticed(Reason.TEST),
}
