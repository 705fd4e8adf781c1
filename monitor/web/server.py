"""One small HTTP server: GET and HEAD, a table of paths, a bounded number of clients."""

from __future__ import annotations

import errno
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from monitor.errors import ConfigError
from monitor.log import logger

_log = logger(__name__)

CLIENT_TIMEOUT_S = 5.0
MOST_CLIENTS = 32
_WHY = {
    errno.EADDRINUSE: "another process listens there",
    errno.EACCES: "this user may not listen there",
    errno.EADDRNOTAVAIL: "this machine does not have that address",
}


@dataclass(frozen=True, slots=True)
class Request:
    """What a page may look at."""

    path: str
    query: str
    accept: str


@dataclass(frozen=True, slots=True)
class Response:
    """What a page answers."""

    status: int
    content_type: str
    body: bytes


Routes = dict[str, Callable[[Request], Response]]


class Server:
    """A listening server; `close` ends it."""

    def __init__(self, server: _Server) -> None:
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="http", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port, also when the system was asked to choose one (port 0)."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop listening; answers that are under way may be cut off."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=CLIENT_TIMEOUT_S)


def listen(address: tuple[str, int], routes: Mapping[str, Callable[[Request], Response]]) -> Server:
    """Start answering; raises ConfigError naming the address and the way out."""
    host, port = address
    try:
        return Server(_Server(host, port, dict(routes)))
    except (OSError, OverflowError) as error:
        raise cannot_listen("service.http", host, port, error) from None


def cannot_listen(key: str, host: str, port: int, error: Exception) -> ConfigError:
    """Say why an address cannot be listened on, and the way out."""
    why = _WHY.get(getattr(error, "errno", None) or 0, str(error))
    return ConfigError(
        f"{key}: cannot listen on {host}:{port}: {why}; choose another address with "
        f'{key} = "{host}:PORT", or switch it off with ""'
    )


class _Server(ThreadingHTTPServer):
    """Threads that do not hold up the end of the process, and never more than `MOST_CLIENTS`."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_port = False
    request_queue_size = MOST_CLIENTS

    def __init__(self, host: str, port: int, routes: Routes) -> None:
        self.routes = routes
        self.free = threading.BoundedSemaphore(MOST_CLIENTS)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer's would ask the name service who we are
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self.free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that went away in the middle is none of our business."""


class _Handler(BaseHTTPRequestHandler):
    timeout = CLIENT_TIMEOUT_S
    server: _Server
    server_version = "driftd"
    sys_version = ""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self._answer(self._page(Request(path, query, self.headers.get("Accept", ""))))

    do_HEAD = do_GET  # noqa: N815  # http.server's names, here and below

    def _page(self, request: Request) -> Response:
        page = self.server.routes.get(request.path)
        if page is None:
            known = ", ".join(self.server.routes)
            return Response(404, "text/plain", f"not here: try {known}\n".encode())
        try:
            return page(request)
        except Exception:  # noqa: BLE001  # a page must not end the connection without a word
            _log.exception("a page could not be made", path=request.path)
            return Response(500, "text/plain", b"this page could not be made: see the log\n")

    def _refuse(self) -> None:
        self._answer(Response(405, "text/plain", b"only GET and HEAD\n"))

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _refuse  # noqa: N815

    def _answer(self, response: Response) -> None:
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if response.status == 405:  # noqa: PLR2004  # method not allowed
            self.send_header("Allow", "GET, HEAD")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the parent's name
        """Probes ask every few seconds: nobody wants to read that."""
