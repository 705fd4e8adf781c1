"""Watching what another process, here a thread with its own store, is doing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import psycopg


def in_thread(work: Callable[[], Any]) -> Future[Any]:
    """Start the work, which nothing can stop, and give what will hold its outcome."""
    with_result: Future[Any] = Future()

    def run() -> None:
        try:
            with_result.set_result(work())
        except BaseException as error:  # noqa: BLE001  # the test that waits raises it
            with_result.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return with_result


def someone_waits_for_a_lock(url: str) -> Callable[[], bool]:
    """Give a condition: some connection to this database waits for another one's lock."""
    query = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
    """

    def waits() -> bool:
        with psycopg.connect(url) as connection:
            row = connection.execute(query).fetchone()
            return row is not None and row[0] > 0

    return waits
