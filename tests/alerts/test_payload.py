"""Alerts as data: Alertmanager's API and webhooks of its shape."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from alerts.model import Status
from alerts.notice import Context, Notice
from alerts.outgoing import Reason
from alerts.payload import for_alertmanager, for_webhook, payload
from tests.alerts.incidents import DAY_MS, MARCH_31, NOW, alert, drift, medians

LINKS = {"dashboard": "https://grafana.example/churn", "runbook": "https://wiki.example/drift"}
AGE = alert("age", annotations=drift(medians(24.7, 46.1, 0.31), 0.31, 0.27))
SEX_OVER = alert("sex", status=Status.RESOLVED)
NOTICE = Notice("churn", Reason.FIRST, (AGE,), (SEX_OVER,), context=Context(model_version="v7", links=LINKS))


def stored(notice: Notice = NOTICE, valid_s: float = 3600) -> dict[str, Any]:
    """Give it as it comes back from the outbox."""
    back: dict[str, Any] = json.loads(json.dumps(payload(notice, "model=churn", valid_s)))
    return back


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_an_alert_is_known_by_labels_that_never_change_and_says_what_happened() -> None:
    one, _ = for_alertmanager(stored(), NOW)
    assert one["labels"] == {
        "alertname": "driftd_covariate",
        "severity": "warning",
        "model": "churn",
        "shift": "covariate",
        "feature": "age",
    }
    told = one["annotations"]
    assert told["summary"] == (
        "churn: inputs drifted: age: median 24.7 → 46.1, 31 % of rows moved (at least 27 %)"
    )
    assert (told["runbook_url"], told["dashboard_url"]) == (LINKS["runbook"], LINKS["dashboard"])
    assert (told["model_version"], told["effect"], told["window_end"]) == (
        "v7",
        "0.31",
        "2019-04-01T00:00:00.000Z",
    )
    assert one["generatorURL"] == LINKS["dashboard"]


def test_what_fires_holds_from_the_moment_in_which_it_is_sent_not_from_when_it_was_queued() -> None:
    for late in (timedelta(0), timedelta(hours=9)):
        one, _ = for_alertmanager(stored(), NOW + late)
        assert at(one["startsAt"]).timestamp() * 1000 == MARCH_31
        assert at(one["endsAt"]) == NOW + late + timedelta(hours=1)


def test_what_is_over_ended_when_it_did() -> None:
    _, over = for_alertmanager(stored(), NOW + timedelta(days=9))
    assert at(over["endsAt"]).timestamp() * 1000 == SEX_OVER.resolved_ms


@pytest.mark.parametrize("days", [0, 900])
def test_times_from_the_future_are_brought_into_the_order_that_alertmanager_asks_for(days: int) -> None:
    opened_ms = MARCH_31 + days * DAY_MS
    over = alert("sex", status=Status.RESOLVED, opened_ms=opened_ms, last_bad_ms=opened_ms)
    notice = Notice("churn", Reason.NEW_ALERTS, (alert("age", opened_ms=opened_ms),), (over,))
    firing, ended = for_alertmanager(stored(notice), NOW)
    assert at(firing["startsAt"]) <= NOW < at(firing["endsAt"])
    assert at(ended["startsAt"]) <= at(ended["endsAt"]) <= NOW


def test_a_webhook_gets_version_4_of_alertmanagers_body() -> None:
    body = for_webhook(stored(), "hook")
    assert set(body) == {
        "version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels", "commonLabels",
        "commonAnnotations", "externalURL", "alerts",
    }  # fmt: skip
    assert (body["version"], body["status"], body["receiver"]) == ("4", "firing", "hook")
    assert (body["groupKey"], body["groupLabels"]) == ("model=churn", {"model": "churn"})
    assert body["commonLabels"] == {
        "alertname": "driftd_covariate", "model": "churn", "severity": "warning", "shift": "covariate",
    }  # fmt: skip
    assert set(body["commonAnnotations"]) == {"dashboard_url", "runbook_url", "model_version"}
    firing, over = body["alerts"]
    assert (firing["status"], firing["endsAt"]) == ("firing", "0001-01-01T00:00:00Z")
    assert (over["status"], over["endsAt"]) == ("resolved", "2019-04-03T00:00:00.000Z")
    assert firing["fingerprint"] == AGE.fingerprint


def test_a_webhook_says_resolved_when_nothing_fires() -> None:
    assert (
        for_webhook(stored(Notice("churn", Reason.RESOLVED, (), (SEX_OVER,))), "hook")["status"] == "resolved"
    )


def test_a_test_message_is_an_alert_of_its_own_that_ends_by_itself() -> None:
    test = stored(Notice("churn", Reason.TEST))
    (one,) = for_alertmanager(test, NOW)
    assert one["labels"]["alertname"] == "driftd_test"
    assert NOW < at(one["endsAt"]) <= NOW + timedelta(minutes=1)
    assert for_webhook(test, "hook")["alerts"][0]["labels"]["severity"] == "info"


def test_a_message_that_was_stored_without_data_is_no_error() -> None:
    assert for_alertmanager({}, NOW) == []
    assert for_webhook({}, "hook")["alerts"] == []
