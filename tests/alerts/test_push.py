"""Services that take alerts as data, over real HTTP; and PagerDuty's incidents through Apprise."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace

import pytest
from apprise.plugins import pagerduty

from alerts import push
from alerts.notice import Notice
from alerts.outcome import Outcome
from alerts.outgoing import Message, Reason
from alerts.payload import payload
from alerts.push import Kind
from alerts.render import render
from alerts.send import Sender, incident_key
from tests.alerts.incidents import NOW
from tests.alerts.notices import CASES
from tests.alerts.receivers import WebReceiver, web_receiver


@pytest.fixture
def web() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


def message(case: str, group_key: str = "model=churn") -> Message:
    notice = CASES[case]
    return replace(render(notice), payload=payload(notice, group_key, 3600))


def pushing(url: str, kind: Kind = Kind.ALERTMANAGER) -> Sender:
    return Sender({"data": url}, kinds={"data": kind})


@pytest.mark.parametrize(
    ("address", "path"),
    [("", "/api/v2/alerts"), ("/", "/api/v2/alerts"), ("/am/", "/am/api/v2/alerts"),
     ("/api/v2/alerts", "/api/v2/alerts")],
)  # fmt: skip
def test_alertmanager_is_posted_to_at_its_api(web: WebReceiver, address: str, path: str) -> None:
    assert pushing(web.url + address).send("data", message("first"), NOW) == Outcome(ok=True)
    ((found, alerts),) = web.posts
    assert found == path
    assert {one["labels"]["feature"] for one in alerts} >= {"car_value"}


def test_a_webhook_is_posted_to_where_it_is_said_to_be(web: WebReceiver) -> None:
    web.status = 202
    sender = pushing(f"{web.url}/hook?token=abc", Kind.WEBHOOK)
    assert sender.send("data", message("first"), NOW).ok
    ((path, body),) = web.posts
    assert (path, body["version"], body["receiver"]) == ("/hook?token=abc", "4", "data")


def test_name_and_password_go_into_the_header_and_nowhere_else(web: WebReceiver) -> None:
    url = web.url.replace("http://", "http://ada:hunter22@") + "/hook/secret-token"
    sender = pushing(url, Kind.WEBHOOK)
    assert sender.send("data", message("first"), NOW).ok
    assert web.headers[0]["Authorization"] == "Basic " + b64encode(b"ada:hunter22").decode()
    web.status = 500
    said = sender.address("data") + sender.send("data", message("first"), NOW).error
    assert "hunter22" not in said
    assert "secret-token" not in said


@pytest.mark.parametrize("status", [301, 400, 404, 429, 500])
def test_a_refusal_can_be_tried_again(web: WebReceiver, status: int) -> None:
    web.status, web.retry_after = status, "7"
    outcome = pushing(web.url).send("data", message("first"), NOW)
    assert outcome == Outcome(ok=False, error=f"answered {status}", retry_after_s=7)


def test_a_service_that_is_away_can_be_tried_again_and_its_token_is_not_told() -> None:
    with web_receiver() as gone:
        pass
    outcome = pushing(f"{gone.url}/hook/secret-token", Kind.WEBHOOK).send("data", message("first"), NOW)
    assert (outcome.ok, outcome.permanent) == (False, False)
    assert "Connection" in outcome.error
    assert "secret-token" not in outcome.error


def test_silence_costs_a_bounded_time(web: WebReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "TIMEOUT_S", 0.5)
    web.is_silent = True
    outcome = pushing(web.url).send("data", message("first"), NOW)
    web.released.set()
    assert outcome.error.startswith("ReadTimeout")


@pytest.mark.parametrize("url", ["slack://a/b/secret-token", "http://", "secret-token"])
def test_what_is_no_web_address_is_refused_by_the_services_name(url: str) -> None:
    with pytest.raises(ValueError, match="service 'data': kind alertmanager needs a web address") as refused:
        pushing(url)
    assert "secret-token" not in str(refused.value)


@pytest.fixture
def incidents(web: WebReceiver, monkeypatch: pytest.MonkeyPatch) -> WebReceiver:
    """Stand in for PagerDuty's Events API, version 2."""
    monkeypatch.setitem(pagerduty.PAGERDUTY_API_LOOKUP, "us", f"{web.url}/v2/enqueue")
    web.status = 202
    return web


def test_pagerduty_has_one_incident_a_model_until_all_of_it_is_over(incidents: WebReceiver) -> None:
    sender = Sender({"page": "pagerduty://integration-key@api-key"})
    for case in ("first", "new_alerts", "some_resolved", "resolved"):
        assert sender.send("page", message(case), NOW).ok
    assert sender.send("page", message("first", "model=fraud"), NOW).ok
    told = [(body["event_action"], body["dedup_key"]) for _, body in incidents.posts]
    assert told == [
        ("trigger", "driftd model=churn"),
        ("trigger", "driftd model=churn"),
        ("trigger", "driftd model=churn"),
        ("resolve", "driftd model=churn"),
        ("trigger", "driftd model=fraud"),
    ]
    assert incidents.posts[0][1]["payload"]["severity"] == "warning"
    assert incidents.posts[0][1]["payload"]["summary"].startswith("[FIRING:")


def test_a_key_and_an_action_of_the_urls_own_are_kept(incidents: WebReceiver) -> None:
    sender = Sender({"page": "pagerduty://integration-key@api-key?dedup=mine&action=trigger"})
    for case in ("first", "resolved"):
        assert sender.send("page", message(case), NOW).ok
    told = [(body["event_action"], body["dedup_key"]) for _, body in incidents.posts]
    assert told == [("trigger", "mine")] * 2


def test_the_key_of_an_incident_fits_and_tells_models_apart() -> None:
    long = [incident_key(message("first", f"model={'x' * 300}{i}")) for i in range(2)]
    assert len(set(long)) == 2
    assert all(len(key) <= 255 for key in long)
    assert incident_key(render(Notice("churn", Reason.TEST))) != "driftd "
