"""A network between client and server that fails at the moment a test chooses."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self
from urllib.parse import urlsplit

ENDS = (b"COMMIT", b"ROLLBACK")


class Proxy:
    """Passes bytes to the server until it is told to fail; one failure each.

    ``delay_s`` is how long it keeps each request, as a server that is slow does.
    """

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self.target = (address.hostname, address.port or 5432)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.swallowed = False
        self.delay_s = 0.0
        self._request: bytes | None = None
        self._answer_to: bytes | None = None
        self._after: tuple[bytes, ...] = ()
        self._stay_away = False
        self._is_away = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def swallow(self, request: bytes, *after: bytes) -> None:
        """Cut the connection instead of passing this request on.

        ``after`` is what must all have been sent in the same transaction.
        """
        self._request, self._after = request, after

    def swallow_answer_to(self, request: bytes, *after: bytes, and_stay_away: bool = False) -> None:
        """Pass this request on, wait for the answer, keep it, cut the connection."""
        self.swallowed = False
        self._answer_to, self._after, self._stay_away = request, after, and_stay_away

    @property
    def is_armed(self) -> bool:
        """Whether a failure that was told is still to come."""
        return self._request is not None or self._answer_to is not None

    def come_back(self) -> None:
        self._is_away = False

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._is_away:
                    client.close()
                else:
                    threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(ConnectionError), client, socket.create_connection(self.target) as server:
            answers = Answers(server, client)
            back = threading.Thread(target=answers.pump, daemon=True)
            back.start()
            transaction = b""
            with contextlib.suppress(OSError):
                while data := client.recv(65536):
                    transaction += data
                    if self._is_told_of(transaction) and self._fails_at(data, server, answers):
                        break
                    if any(end in data for end in ENDS):
                        transaction = b""
                    if self.delay_s:
                        threading.Event().wait(self.delay_s)
                    server.sendall(data)
            for end in (client, server):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            back.join(5)

    def _is_told_of(self, transaction: bytes) -> bool:
        return all(part in transaction for part in self._after)

    def _fails_at(self, data: bytes, server: socket.socket, answers: Answers) -> bool:
        if self._request is not None and self._request in data:
            self._request = None
            return True
        if self._answer_to is None or self._answer_to not in data:
            return False
        self._answer_to = None
        self._is_away = self._stay_away
        answers.are_kept = True
        server.sendall(data)
        self.swallowed = answers.has_come.wait(10)
        return True


class Answers:
    """The way back, on which answers can be kept."""

    def __init__(self, server: socket.socket, client: socket.socket) -> None:
        self._server, self._client = server, client
        self.are_kept = False
        self.has_come = threading.Event()

    def pump(self) -> None:
        """Pass on what comes until either side is closed."""
        with contextlib.suppress(OSError):
            while data := self._server.recv(65536):
                if self.are_kept:
                    self.has_come.set()
                else:
                    self._client.sendall(data)
        with contextlib.suppress(OSError):
            self._client.shutdown(socket.SHUT_RDWR)  # the server has ended it: the client is to know
