"""The broker's socket: frames in, frames out, one request of a connection after the other."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import socket

import structlog

from monitor.broker.apis import NotUnderstoodError, answer
from monitor.broker.node import Node

log = structlog.get_logger(__name__)

LARGEST_FRAME_BYTES = 100 << 20
READ_AHEAD_BYTES = 1 << 20
EXPIRY_EVERY_S = 0.1
CLOSING_S = 0.01  # asyncio loses a connection that it accepts in the moment of the close: none may be


async def serve(node: Node, ready: concurrent.futures.Future[int], stop: asyncio.Event) -> None:
    """Answer clients until told to stop; tells the port it listens on, or why it cannot listen."""
    connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(_converse(node, reader, writer))
        connections[task] = writer
        task.add_done_callback(connections.pop)

    try:
        server = await asyncio.start_server(connected, node.host, node.port, limit=READ_AHEAD_BYTES)
    except OSError as error:
        ready.set_exception(error)
        return
    node.port = server.sockets[0].getsockname()[1]
    node.topics.announce()
    ready.set_result(node.port)
    expiry = asyncio.create_task(_expire(node))
    await stop.wait()
    for listening in server.sockets:
        asyncio.get_running_loop().remove_reader(listening.fileno())
    await asyncio.sleep(CLOSING_S)
    server.close()
    expiry.cancel()
    for task, writer in connections.items():
        task.cancel()
        writer.close()  # a task that never ran has not closed it itself
    await asyncio.gather(expiry, *connections, return_exceptions=True)
    for group in node.groups.values():
        group.forget_members()


async def _converse(node: Node, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while True:
            writer.write(await answer(node, await _frame(reader)))
            await writer.drain()
    except NotUnderstoodError as error:
        log.warning("broker_request_not_understood", error=str(error))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the client went away
    except Exception:
        log.exception("broker_request_failed")
    finally:
        writer.close()


async def _frame(reader: asyncio.StreamReader) -> bytes:
    size = int.from_bytes(await reader.readexactly(4), "big")
    if size > LARGEST_FRAME_BYTES:
        raise NotUnderstoodError(f"a frame of {size} bytes")
    return await reader.readexactly(size)


async def _expire(node: Node) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(EXPIRY_EVERY_S)
            for group in list(node.groups.values()):
                group.expire()
