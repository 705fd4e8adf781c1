from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from io import StringIO

import pytest

from alerts import send
from alerts.notice import Context, Notice
from alerts.outcome import Outcome, mask, secrets_of
from alerts.outgoing import Message, Reason
from alerts.render import render
from alerts.send import Sender
from tests.alerts.incidents import NOW, alert, changes, drift
from tests.alerts.notices import CASES, EVIL
from tests.alerts.receivers import MailReceiver, WebReceiver, mail_receiver, web_receiver

TOKENS = ("T0AAAAAAA", "B0BBBBBBB", "CCCCCCCCCCCCCCCCCCCCCCCC")
SLACK = f"slack://{'/'.join(TOKENS)}"
MESSAGE = render(CASES["first"])


@pytest.fixture
def web() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


@pytest.fixture
def mail() -> Iterator[MailReceiver]:
    with mail_receiver() as receiver:
        yield receiver


def slack(web: WebReceiver) -> Sender:
    return Sender({"oncall": SLACK}, slack_root=f"{web.url}/services")


def mailing(mail: MailReceiver, query: str = "") -> Sender:
    url = f"mailto://127.0.0.1:{mail.port}?from=driftd@example.com&to=team@example.com&mode=insecure{query}"
    return Sender({"team": url})


def test_slack_gets_its_own_markup(web: WebReceiver) -> None:
    assert slack(web).send("oncall", MESSAGE, NOW) == Outcome(ok=True)
    path, payload = web.posts[0]
    attachment = payload["attachments"][0]
    assert path == f"/services/{'/'.join(TOKENS)}"
    assert payload["mrkdwn"] is True
    assert attachment["title"] == MESSAGE.title
    assert "• `car_value`: median 24.7k → 46.1k, 31 % of rows moved (at least 27 %)" in attachment["text"]
    assert "*Inputs drifted* since 31 Mar 2019 00:00 UTC" in attachment["text"]
    assert "icon_url" not in payload
    assert web.complaints == []


@pytest.mark.parametrize("name", CASES)
def test_slack_takes_every_kind_of_message(web: WebReceiver, name: str) -> None:
    assert slack(web).send("oncall", render(CASES[name]), NOW).ok
    assert web.complaints == []


def test_a_hostile_name_reaches_slack_as_text_only(web: WebReceiver) -> None:
    drifted = drift(changes({EVIL: (0.1, 0.9)}), 0.8, 0.7)
    firing = tuple(alert(f"{EVIL}{i}", annotations=drifted) for i in range(60))
    context = Context(links={"Dashboard": "https://driftd.example/?a=1&b=2"})
    assert slack(web).send("oncall", render(Notice("churn", Reason.FIRST, firing, context=context)), NOW).ok
    text = web.posts[0][1]["attachments"][0]["text"]
    assert re.findall(r"<([^>]*)>", text) == ["https://driftd.example/?a=1&amp;b=2|Dashboard"]
    assert "&lt;!channel&gt;" in text
    assert web.complaints == []


LONG_LINKS = {"Dashboard": "https://driftd.example/" + "&" * 3000}


@pytest.mark.parametrize(
    ("n", "links", "expected"),
    [(3, {}, "0`: `"), (60, {}, "and 60 more"), (60, LONG_LINKS, "FIRING:60")],
)
def test_a_message_of_nothing_but_entities_stays_within_slacks_limit(
    web: WebReceiver, n: int, links: dict[str, str], expected: str
) -> None:
    drifted = drift(changes({"&" * 80: (0.1, 0.9), "<" * 80: (0.8, 0.0)}), 0.8, 0.7)
    firing = tuple(alert("&>" * 30 + str(i), annotations=drifted) for i in range(n))
    notice = Notice("churn", Reason.FIRST, firing, context=Context(links=links))
    assert slack(web).send("oncall", render(notice), NOW).ok
    text = web.posts[0][1]["attachments"][0]["text"]
    assert web.complaints == []
    assert expected in text
    assert not re.search("[<>]|&(?!amp;|gt;|lt;)", text)


COLOURS = {"first": "#CACF29", "no_data": "#A32037", "resolved": "#3AA337", "test": "#3AA3E3"}


@pytest.mark.parametrize(("case", "colour"), COLOURS.items())
def test_the_colour_says_how_bad_it_is(web: WebReceiver, case: str, colour: str) -> None:
    slack(web).send("oncall", render(CASES[case]), NOW)
    assert web.posts[0][1]["attachments"][0]["color"] == colour


@pytest.mark.parametrize("status", [403, 429, 500])
def test_a_refusal_can_be_tried_again_and_holds_no_secrets(web: WebReceiver, status: int) -> None:
    web.status = status
    outcome = slack(web).send("oncall", MESSAGE, NOW)
    assert (outcome.ok, outcome.permanent) == (False, False)
    assert f"error={status}" in outcome.error
    assert not any(token in outcome.error for token in TOKENS)


@pytest.mark.parametrize(("said", "seconds"), [("7", 7), ("100000", 900), ("", 0), ("Wed, 21 Oct 2026", 0)])
def test_how_long_a_service_wants_to_be_left_alone_is_told(
    web: WebReceiver, said: str, seconds: float
) -> None:
    web.status, web.retry_after = 429, said
    sender = slack(web)
    assert sender.send("oncall", MESSAGE, NOW).retry_after_s == seconds
    web.status, web.retry_after = 500, ""
    assert sender.send("oncall", MESSAGE, NOW).retry_after_s == 0


def test_two_messages_may_follow_each_other_at_once(web: WebReceiver) -> None:
    """To rest between them is for the caller, whose clock cannot be set back."""
    sender = slack(web)
    assert sender.pause_s("oncall") == pytest.approx(1.2)
    begun = time.perf_counter()
    assert all(sender.send("oncall", MESSAGE, NOW).ok for _ in range(3))
    assert time.perf_counter() - begun < 2.4


def test_silence_costs_a_bounded_time(web: WebReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "TIMEOUT_S", 0.5)
    web.is_silent = True
    begun = time.perf_counter()
    outcome = slack(web).send("oncall", MESSAGE, NOW)
    assert time.perf_counter() - begun < 5
    web.released.set()
    assert outcome == Outcome(ok=False, permanent=False, error=outcome.error)
    assert outcome.error.startswith("timeout")


def test_a_receiver_that_is_away_can_be_tried_again() -> None:
    with web_receiver() as gone:
        pass
    outcome = slack(gone).send("oncall", MESSAGE, NOW)
    assert (outcome.ok, outcome.permanent) == (False, False)
    assert outcome.error


def test_mail_has_both_a_plain_and_an_html_part(mail: MailReceiver) -> None:
    assert mailing(mail).send("team", MESSAGE, NOW) == Outcome(ok=True)
    received = mail.mails[0]
    assert received["Subject"] == MESSAGE.title
    assert received["From"] == "driftd@example.com"
    assert mail.recipients == [["team@example.com"]]
    assert received.get_content_type() == "multipart/alternative"
    plain, html = received.iter_parts()
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert html.get_content().split() == MESSAGE.html.split()
    text = plain.get_content()
    assert "car_value: median 24.7k → 46.1k, 31 % of rows moved (at least 27 %)" in text
    assert "driftd history --model churn --since 2019-03-31" in text
    assert "<" not in text


@pytest.mark.parametrize("name", CASES)
def test_mail_carries_every_kind_of_message(mail: MailReceiver, name: str) -> None:
    message = render(CASES[name])
    assert mailing(mail).send("team", message, NOW).ok
    assert mail.mails[0]["Subject"] == message.title
    assert [part.get_content_type() for part in mail.mails[0].iter_parts()] == ["text/plain", "text/html"]


def test_a_mail_server_that_refuses_can_be_tried_again(mail: MailReceiver) -> None:
    mail.refuses = True
    outcome = mailing(mail).send("team", MESSAGE, NOW)
    assert (outcome.ok, outcome.permanent) == (False, False)
    assert outcome.error


@pytest.mark.parametrize("answer", ["450 come again later", "550 nobody of that name"])
def test_a_mail_server_that_refuses_the_recipient_can_be_tried_again(mail: MailReceiver, answer: str) -> None:
    mail.rcpt_answer = answer
    outcome = mailing(mail).send("team", MESSAGE, NOW)
    assert (outcome.ok, outcome.permanent, mail.mails) == (False, False, [])


def test_other_services_get_plain_text(web: WebReceiver) -> None:
    sender = Sender({"hook": web.url.replace("http://", "json://") + "/hook"})
    assert sender.send("hook", MESSAGE, NOW).ok
    path, payload = web.posts[0]
    assert (path, payload["title"], payload["type"]) == ("/hook", MESSAGE.title, "warning")
    assert payload["message"] == MESSAGE.text.rstrip()


def test_one_service_that_is_down_does_not_touch_the_other(web: WebReceiver, mail: MailReceiver) -> None:
    url = f"mailto://127.0.0.1:{mail.port}?from=driftd@example.com&to=team@example.com"
    sender = Sender({"oncall": SLACK, "team": url}, slack_root=f"{web.url}/services")
    web.status = 500
    assert sender.names == ("oncall", "team")
    assert [sender.send(name, MESSAGE, NOW).ok for name in sender.names] == [False, True]
    assert len(mail.mails) == 1


def test_an_unknown_service_is_a_permanent_failure() -> None:
    outcome = Sender({}).send("nobody", MESSAGE, NOW)
    assert outcome == Outcome(ok=False, permanent=True, error="no service 'nobody' (known: none)")


def test_a_blank_message_fails_without_reaching_anybody(web: WebReceiver) -> None:
    assert not slack(web).send("oncall", Message("", "", "", ""), NOW).ok
    assert web.posts == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("slack://secret-token", "slack://"),
        ("slakc://T0AAAAAAA/B0BBBBBBB/secret-token", "slakc://"),
        ("secret-token", "its URL"),
        ("", "its URL"),
        ("mailto://user:secret-token@example.com?to=not-an-address", "Dropped invalid To email"),
        (f"{SLACK}, json://secret-token.example", "several URLs"),
    ],
)
def test_a_url_that_apprise_cannot_use_is_refused_by_the_services_name(
    url: str, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    root, lines = logging.getLogger(), StringIO()  # the log's chain hangs there, too
    handler, level = logging.StreamHandler(lines), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with pytest.raises(ValueError, match="service 'oncall'") as refusal:
            Sender({"oncall": url})
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert reason in str(refusal.value)
    said = str(refusal.value) + lines.getvalue() + "".join(capfd.readouterr())
    assert "secret-token" not in said
    assert not any(token in said for token in TOKENS)


def test_an_address_is_shown_without_its_secrets() -> None:
    sender = Sender({"oncall": SLACK, "team": "mailtos://ada:hunter22@example.com?to=team@example.com"})
    assert sender.address("oncall").startswith("slack://T...A/B...B/C...C")
    assert "hunter22" not in sender.address("team")
    assert "example.com" in sender.address("team")


def test_secrets_are_what_the_masked_url_lacks() -> None:
    url = "mailtos://ada:p%40ssword@example.com?to=team@example.com&key=abcdef"
    secrets = secrets_of(url, "mailtos://ada:****@example.com/team%40example.com?key=a...f")
    assert set(secrets) >= {"p%40ssword", "p@ssword", "abcdef"}
    assert not {"example.com", "team"} & set(secrets)
    assert mask("login p@ssword\nfailed  at abcdef", secrets) == "login *** failed at ***"


def test_errors_are_short_lines() -> None:
    assert len(mask("x" * 10_000, ())) == 500
