"""Serving the page from a thread of its own, beside the service's loop."""

from __future__ import annotations

import socket
import threading

import uvicorn

from monitor.clock import Clock
from monitor.config import Address, Config
from monitor.page.app import Pages, application
from monitor.page.guard import Guard
from monitor.store.page import PageReader
from monitor.web.server import cannot_listen

MOST_CLIENTS = 64
STOP_S = 5.0


class PageServer:
    """A page that is served until `close`."""

    def __init__(
        self, server: uvicorn.Server, listening: socket.socket, pages: Pages, reader: PageReader
    ) -> None:
        self._server, self._listening, self._pages, self._reader = server, listening, pages, reader
        self._thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listening]}, name="page", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port, also when the system was asked to choose one (port 0)."""
        return int(self._listening.getsockname()[1])

    def show(self, config: Config) -> None:
        """Take over a configuration that was read again."""
        self._pages.config = config

    def close(self) -> None:
        """Stop serving; answers that are under way may be cut off."""
        self._server.should_exit = True
        self._thread.join(STOP_S)
        self._listening.close()
        self._reader.close()


def serve_page(address: Address, reader: PageReader, config: Config, clock: Clock) -> PageServer:
    """Serve the page on ``address``; raises ConfigError when it cannot be listened on."""
    pages = Pages(reader, config, clock)
    settings = uvicorn.Config(
        Guard(application(pages), config.page),
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        loop="asyncio",
        http="h11",
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MOST_CLIENTS,
        timeout_keep_alive=5,
    )
    return PageServer(uvicorn.Server(settings), _listen(address), pages, reader)


def _listen(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(tuple(address))
        listening.listen(MOST_CLIENTS)
    except (OSError, OverflowError) as error:
        listening.close()
        raise cannot_listen("page.http", address.host, address.port, error) from None
    return listening
