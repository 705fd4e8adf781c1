"""Notices whose messages are kept as golden files."""

from __future__ import annotations

from dataclasses import replace

from alerts.model import Alert, Severity, Status
from alerts.notice import Context, Notice
from alerts.outgoing import Reason
from tests.alerts.incidents import (
    DAY_MS,
    MARCH_31,
    alert,
    change_alert,
    changes,
    drift,
    loan_alerts,
    medians,
    metric_alert,
    nulls,
    residual_alert,
    shares_alert,
)

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


def advised(alert_: Alert) -> Alert:
    return replace(alert_, annotations={**alert_.annotations, "advice": NO_HELP})


LOAN = loan_alerts()
HELPS = {
    "rows": 12_000,
    "production_error": 0.14,
    "challenger_error": 0.08,
    "difference": -0.06,
    "low": -0.08,
    "high": -0.04,
}
NO_HELP = HELPS | {"challenger_error": 0.145, "difference": 0.005, "low": -0.01, "high": 0.02}
ACCURACY = metric_alert("accuracy", 0.944, 0.915, 0.907, 0.922)
ESTIMATED = metric_alert("accuracy", 0.944, 0.916, 0.909, 0.922, labelled=0)
FRAUD = {"fraud": (0.02, 0.05, 0.04, 0.06), "fine": (0.98, 0.95, 0.94, 0.96)}
EVERYTHING = (
    *LOAN,
    quality_alert(),
    slow_alert(),
    metric_alert("accuracy", 0.944, 0.915, 0.907, 0.922, advice=HELPS),
    metric_alert("recall", 0.91, 0.83, 0.80, 0.86),
    metric_alert("log_loss", 0.21, 0.344, 0.331, 0.357),
    ESTIMATED,
    change_alert("loss", 0.06, 0.11),
    change_alert("bias", 0.5, 0.53, "other"),
    change_alert("nulls of age", 0.01, 0.08, "other"),
    residual_alert(),
    shares_alert("labels", **FRAUD),
)
CASES = {
    "accuracy_fell": noticed(
        Reason.FIRST, (*LOAN, metric_alert("accuracy", 0.944, 0.915, 0.907, 0.922, advice=HELPS))
    ),
    "accuracy_estimated": noticed(Reason.FIRST, (*LOAN[:2], ESTIMATED)),
    "accuracy_only": noticed(Reason.FIRST, (ACCURACY, metric_alert("roc_auc", 0.971, 0.952, 0.947, 0.957))),
    "performance_holds": replace(
        noticed(Reason.FIRST, LOAN), context=replace(CONTEXT, performance_holds=True)
    ),
    "error_rose": noticed(Reason.FIRST, (advised(change_alert("loss", 0.06, 0.11)),)),
    "error_balance": noticed(Reason.FIRST, (change_alert("bias", 0.496, 0.53, "other"),)),
    "unexplained": noticed(Reason.FIRST, (*LOAN[:1], ACCURACY, residual_alert())),
    "shares_known": noticed(Reason.FIRST, (shares_alert("labels", **FRAUD),)),
    "shares_estimated": noticed(
        Reason.FIRST,
        (
            shares_alert(
                "bbse",
                cat=(0.5, 0.4, 0.38, 0.42),
                dog=(0.3, 0.41, 0.39, 0.43),
                emu=(0.15, 0.15, 0.14, 0.17),
                yak=(0.05, 0.04, 0.03, 0.05),
            ),
        ),
    ),
    "better": noticed(Reason.FIRST, (metric_alert("f1", 0.81, 0.86, 0.84, 0.88, direction="better"),)),
    "regression": noticed(
        Reason.FIRST,
        (
            LOAN[0],
            metric_alert("mae", 12_400, 18_123, 17_600, 18_700),
            metric_alert("r2", 0.81, 0.6712, 0.65, 0.69, last_bad_ms=MARCH_31),
            change_alert("loss", 0.5, 0.62, task="regression"),
            change_alert("bias", 0.5, 0.38, "other", task="regression"),
        ),
    ),
    "everything": noticed(Reason.NEW_ALERTS, EVERYTHING),
    "recovered": noticed(Reason.RESOLVED, (), (replace(ACCURACY, status=Status.RESOLVED), over())),
    "elsewhere": replace(noticed(Reason.FIRST, (ACCURACY,)), elsewhere=LOAN[:1]),
    "first": Notice("churn", Reason.FIRST, LOAN, context=Context(budget="1 per 30d")),
    "mixed": noticed(Reason.FIRST, (*LOAN, quality_alert(), slow_alert())),
    "new_alerts": Notice("churn", Reason.NEW_ALERTS, LOAN, new=frozenset({LOAN[1].alert_id})),
    "some_resolved": noticed(Reason.RESOLVED, LOAN[:2], (over("salary_range", 1.25),)),
    "resolved": noticed(Reason.RESOLVED, (), (over(), over("loan_length", 0.5))),
    "repeat": noticed(Reason.REPEAT, (replace(LOAN[0], last_bad_ms=MARCH_31 + 2 * DAY_MS),)),
    "many": noticed(Reason.FIRST, many(43)),
    "no_data": noticed(Reason.FIRST, (no_data(),)),
    "hostile": Notice("churn", Reason.FIRST, hostile()),
    "test": noticed(Reason.TEST),
}
