"""Stand-ins for Slack and for a mail server: the real protocols, on this machine, keeping what they get."""

from __future__ import annotations

import html
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from monitor.demo.waiting import DemoError

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message as it arrived: its subject and what a person reads of it."""

    subject: str
    text: str


@dataclass(slots=True)
class Inbox:
    """What a receiver got, in order; ``root`` is its web address, ``port`` where it listens."""

    port: int = 0
    arrived: list[Arrived] = field(default_factory=list)

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}/services"


@contextmanager
def slack_receiver() -> Iterator[Inbox]:
    """Answer Slack's incoming webhooks."""
    inbox = Inbox()

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            inbox.arrived.append(_of_slack(payload))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its parent's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    inbox.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_S,), name="slack", daemon=True)
    thread.start()
    try:
        yield inbox
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _of_slack(payload: dict[str, Any]) -> Arrived:
    """Read a webhook's payload as Slack shows it: attachments under each other."""
    shown = payload.get("attachments") or [payload]
    titles = [part["title"] for part in shown if part.get("title")]
    text = "\n".join(part.get("text", "") for part in shown)
    return Arrived(html.unescape(" / ".join(titles)), html.unescape(text))


@dataclass(slots=True)
class _Mailbox:
    inbox: Inbox

    async def handle_DATA(  # noqa: N802  # aiosmtpd calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content or b""
        mail = message_from_bytes(content if isinstance(content, bytes) else content.encode(), policy=default)
        self.inbox.arrived.append(_of_mail(mail))
        return "250 OK"


def _of_mail(mail: EmailMessage) -> Arrived:
    """Take the plain text of a mail; every mail of driftd has one."""
    body = mail.get_body(("plain",))
    subject = str(mail["Subject"])
    text = "" if body is None else str(body.get_content())
    return Arrived(subject, text.strip().removeprefix(subject))


@contextmanager
def mail_receiver() -> Iterator[Inbox]:
    """Accept mail over SMTP; raises `DemoError` when the server's package is missing."""
    try:
        from aiosmtpd.controller import Controller  # noqa: PLC0415  # of the extra "demo"
    except ImportError:
        raise DemoError("the mail server is not here; get it with: pip install 'driftd[demo]'") from None
    inbox = Inbox(_free_port())
    controller = Controller(_Mailbox(inbox), hostname="127.0.0.1", port=inbox.port)
    controller.start()
    try:
        yield inbox
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
