"""Stand-ins for Slack and a mail server, on this machine and over the real protocols."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

MOST_TEXT = 3_000


@dataclass
class WebReceiver:
    """Keeps what is posted; answers as told, or not at all."""

    status: int = 200
    is_silent: bool = False
    hanging: int = 0
    retry_after: str = ""
    posts: list[tuple[str, Any]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        payload = json.loads(body)
        self.posts.append((path, payload))
        if path.startswith("/services/"):
            self.complaints += slack_complaints(path, payload)
        return self.status, b"ok" if self.status < 300 else b"no"


def slack_complaints(path: str, payload: dict[str, Any]) -> list[str]:
    """What Slack's incoming webhooks would refuse or show blank."""
    found = [] if len(path.split("/")) == 5 else [f"not a webhook's path: {path}"]
    attachments = payload.get("attachments", [])
    if not payload.get("text") and not attachments:
        found.append("no_text")
    if len(attachments) > 20:
        found.append("too_many_attachments")
    for attachment in attachments:
        for part in ("title", "text"):
            if not attachment.get(part, "").strip():
                found.append(f"blank {part}")
            if len(attachment.get(part, "")) > MOST_TEXT:
                found.append(f"{part} too long")
    return found


@contextmanager
def web_receiver(port: int = 0) -> Iterator[WebReceiver]:
    receiver = WebReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if receiver.is_silent:
                receiver.hanging += 1
                receiver.released.wait(30)
                return
            receiver.headers.append(dict(self.headers.items()))
            status, answer = receiver.answer(self.path, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            if receiver.retry_after:
                self.send_header("Retry-After", receiver.retry_after)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class MailReceiver:
    """Keeps the mails that arrive.

    ``rcpt_answer`` is what it says to every recipient, instead of taking the mail.
    """

    port: int
    refuses: bool = False
    rcpt_answer: str = ""
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        options: list[str],  # noqa: ARG002
    ) -> str:
        if self.rcpt_answer:
            return self.rcpt_answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        if self.refuses:
            return "451 try again later"
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 OK"


@contextmanager
def mail_receiver(port: int = 0) -> Iterator[MailReceiver]:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        receiver = MailReceiver(probe.getsockname()[1])
    controller = Controller(receiver, hostname="127.0.0.1", port=receiver.port)
    controller.start()
    try:
        yield receiver
    finally:
        controller.stop()
