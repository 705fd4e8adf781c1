"""The broker in a thread of the program that wants it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from typing import Self

from monitor.broker.node import Node
from monitor.broker.server import serve
from monitor.broker.topics import Limits, Topics

START_LIMIT_S = 10.0
STOP_LIMIT_S = 10.0


class EmbeddedBroker:
    """A broker on loopback; ``bootstrap`` is its address once started.

    Used as a context manager, or by `start` and `stop`. A stop cuts every
    connection; topics and committed offsets are there again after the next
    start, on the same port. Port 0 takes a free one.
    """

    def __init__(self, port: int = 0, *, host: str = "127.0.0.1", limits: Limits | None = None) -> None:
        self._node = Node(host, port, Topics(limits or Limits()))
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def bootstrap(self) -> str:
        return f"{self._node.host}:{self._node.port}"

    def start(self) -> None:
        """Listen; raises `OSError` when the port is taken."""
        ready: concurrent.futures.Future[int] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="dev-broker", daemon=True)
        self._thread.start()
        ready.result(START_LIMIT_S)

    def stop(self) -> None:
        """Cut all connections and end the thread; a broker that does not run is left alone."""
        if self._thread is None or self._loop is None or self._stop is None:
            return
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(STOP_LIMIT_S)
        self._thread = None

    def _run(self, ready: concurrent.futures.Future[int]) -> None:
        asyncio.run(self._serve(ready))

    async def _serve(self, ready: concurrent.futures.Future[int]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        await serve(self._node, ready, self._stop)
