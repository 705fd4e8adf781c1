"""Pictures on their way: mails and a Slack bot carry them, over real protocols, and nobody else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from apprise.plugins.slack import NotifySlack

from alerts.outcome import Outcome
from alerts.push import Kind
from alerts.render import render
from alerts.send import Sender
from tests.alerts.incidents import NOW
from tests.alerts.notices import CASES
from tests.alerts.receivers import mail_receiver, web_receiver

PNG = b"\x89PNG\r\n\x1a\n" + bytes(2_000)
MESSAGE = render(CASES["first"])
BOT = "slack://xoxb-1234-1234-abc124/#drift"


@dataclass
class SlackApi:
    """The part of Slack's Web API that posting a message with a file takes."""

    url: str = ""
    refuses_files: bool = False
    posted: list[dict[str, Any]] = field(default_factory=list)
    uploaded: list[bytes] = field(default_factory=list)
    shared: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, path: str, body: bytes) -> dict[str, Any]:
        if path.startswith("/chat.postMessage"):
            self.posted.append(json.loads(body))
            return {"ok": True, "channel": "C1", "ts": "1"}
        if path.startswith("/files.getUploadURLExternal"):
            return {"ok": not self.refuses_files, "upload_url": f"{self.url}/upload", "file_id": "F1"}
        if path.startswith("/files.completeUploadExternal"):
            self.shared.append(json.loads(body))
            return {"ok": True, "files": [{"id": "F1"}]}
        self.uploaded.append(body)
        return {"ok": True}


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackApi]:
    api = SlackApi()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def do_GET(self) -> None:
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            made = json.dumps(api.answer(self.path, body)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(made)))
            self.end_headers()
            self.wfile.write(made)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(NotifySlack, "api_url", api.url + "/{}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield api
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_slack_bot_posts_the_message_and_uploads_the_picture(slack: SlackApi) -> None:
    sender = Sender({"oncall": BOT})
    assert sender.takes_pictures("oncall")
    assert sender.send("oncall", MESSAGE, NOW, PNG) == Outcome(ok=True)
    (posted,) = slack.posted
    assert posted["attachments"][0]["title"] == MESSAGE.title
    assert PNG in slack.uploaded[0]
    assert slack.shared == [{"files": [{"id": "F1", "title": "drift.png"}], "channel_id": "C1"}]


def test_a_slack_that_takes_no_files_gets_the_message_without_at_the_next_attempt(slack: SlackApi) -> None:
    slack.refuses_files = True
    sender = Sender({"oncall": BOT})
    assert not sender.send("oncall", MESSAGE, NOW, PNG).ok
    assert sender.send("oncall", MESSAGE, NOW) == Outcome(ok=True)
    assert len(slack.posted) == 2


def test_a_mail_shows_the_picture_below_its_title_and_without_one_is_as_it_was() -> None:
    with mail_receiver() as mail:
        url = f"mailto://127.0.0.1:{mail.port}?from=driftd@example.com&to=team@example.com&mode=insecure"
        sender = Sender({"team": url})
        for picture in (PNG, None):
            assert sender.send("team", MESSAGE, NOW, picture).ok
    with_it, without = mail.mails
    (image,) = (part for part in with_it.walk() if part.get_content_type() == "image/png")
    assert (image.get_content(), image["Content-ID"]) == (PNG, "<drift.png>")
    (html,) = (part.get_content() for part in with_it.walk() if part.get_content_type() == "text/html")
    assert '</h1>\n<p style="margin:0 0 14px"><img src="cid:drift.png"' in html.replace("\r\n", "\n")
    assert "cid:" not in str(without)
    kinds = [part.get_content_type() for part in without.iter_parts()]
    assert kinds == ["text/plain", "text/html"]


def test_services_that_take_no_pictures_are_sent_none() -> None:
    with web_receiver() as web:
        hook = web.url.replace("http://", "json://") + "/hook"
        urls = {
            "hook": hook,
            "data": web.url,
            "oncall": "slack://T0AAAAAAA/B0BBBBBBB/CCCCCCCCCCCCCCCCCCCCCCCC",
        }
        sender = Sender(urls, f"{web.url}/services", {"data": Kind.WEBHOOK})
        for name in urls:
            assert not sender.takes_pictures(name)
            assert sender.send(name, MESSAGE, NOW, PNG).ok
        assert not any("PNG" in json.dumps(body) for _, body in web.posts)
        assert web.posts[0][1]["attachments"] == []
    assert not Sender({}).takes_pictures("nobody")
