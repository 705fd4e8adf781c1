from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.alerts.receivers import MailReceiver, WebReceiver, mail_receiver, web_receiver
from tests.monitor.cli.worlds import CONFIG, World

SECRET = "hunter2hunter2hunter2hun"  # noqa: S105
SLACK = f"slack://T0AAAAAAA/B0BBBBBBB/{SECRET}"


@pytest.fixture
def web() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


@pytest.fixture
def mail() -> Iterator[MailReceiver]:
    with mail_receiver() as receiver:
        yield receiver


@pytest.fixture
def told(bare: World, web: WebReceiver, mail: MailReceiver, monkeypatch: pytest.MonkeyPatch) -> World:
    """Give two services whose receivers are on this machine; there is no database."""
    monkeypatch.setenv("ONCALL_URL", SLACK)
    monkeypatch.setenv(
        "TEAM_URL", f"mailto://127.0.0.1:{mail.port}?from=d@example.com&to=team@example.com&mode=insecure"
    )
    slack_root = f'[alerts]\nslack_root = "{web.url}/services"\n'
    services = CONFIG + 'team = {{ env = "TEAM_URL" }}\n'
    bare.configure(services.replace("[alerts.services]", slack_root + "[alerts.services]"))
    return bare


def test_every_service_gets_a_message_marked_as_a_test(
    told: World, web: WebReceiver, mail: MailReceiver
) -> None:
    ran = told.run("notify", "test")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == ["sent    oncall", "sent    team"]
    assert web.posts[0][1]["attachments"][0]["title"] == "[TEST] churn: a test message from driftd"
    assert "Nothing drifted" in web.posts[0][1]["attachments"][0]["text"]
    assert mail.mails[0]["Subject"] == "[TEST] churn: a test message from driftd"
    assert web.complaints == []
    assert not told.file.exists()


def test_an_alertmanager_is_tried_with_an_alert_that_ends_by_itself(
    bare: World, web: WebReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONCALL_URL", web.url)
    bare.configure(CONFIG.replace('env = "ONCALL_URL"', 'env = "ONCALL_URL", kind = "alertmanager"'))
    ran = bare.run("notify", "test")
    assert (ran.code, ran.out.splitlines()) == (0, ["sent    oncall"])
    ((path, (alert,)),) = web.posts
    assert (path, alert["labels"]["alertname"]) == ("/api/v2/alerts", "driftd_test")
    assert alert["endsAt"] > alert["startsAt"]


def test_named_services_alone_are_tried(told: World, web: WebReceiver, mail: MailReceiver) -> None:
    ran = told.run("notify", "test", "team", "team", "--json")
    assert ran.json == [{"service": "team", "ok": True, "error": ""}]
    assert (len(web.posts), len(mail.mails)) == (0, 1)


def test_a_service_that_refuses_fails_and_hinders_no_other(told: World, web: WebReceiver) -> None:
    web.status = 404
    ran = told.run("notify", "test")
    assert ran.code == 1
    first, second = ran.out.splitlines()
    assert first.startswith("failed  oncall: ")
    assert "404" in first
    assert second == "sent    team"
    assert SECRET not in ran.out + ran.err


def test_a_service_without_url_fails_and_hinders_no_other(
    told: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ONCALL_URL")
    ran = told.run("notify", "test")
    assert ran.code == 1
    assert "the environment variable ONCALL_URL is not set" in ran.out
    assert "sent    team" in ran.out


def test_a_url_that_is_not_understood_is_not_repeated(told: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONCALL_URL", f"slakc://{SECRET}/x")
    ran = told.run("notify", "test", "oncall")
    assert ran.code == 1
    assert "Apprise cannot use the URL that begins with slakc://" in ran.out
    assert SECRET not in ran.out + ran.err


def test_an_unknown_service_names_the_nearest(told: World, web: WebReceiver) -> None:
    ran = told.run("notify", "test", "team", "oncal")
    assert (ran.code, ran.out) == (2, "")
    assert 'there is no service "oncal", did you mean "oncall"? (known: oncall, team)' in ran.err
    assert web.posts == []


def test_without_services_it_says_how_to_add_one(bare: World) -> None:
    bare.configure(CONFIG.partition("[alerts.services]")[0])
    ran = bare.run("notify", "test")
    assert ran.code == 2
    assert "[alerts.services] is empty" in ran.err
