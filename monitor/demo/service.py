"""`driftd run` as a process of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from monitor.demo.waiting import DemoError

_STOP_LIMIT_S = 30.0  # a busy machine; the service itself gives up after 10 s
_PATIENCE_S = 3.0
"""For when the demo was interrupted, and nothing of it is wanted any more."""
_LOG_END = 1_500


class ServiceProcess:
    """The service, from the start of the block until `stop` or the end of the block."""

    def __init__(self, config: Path, secrets: Mapping[str, str], log: Path) -> None:
        self._command = (sys.executable, "-m", "monitor", "run", "--config", str(config))
        self._secrets = secrets
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("DRIFTD_")}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                env=environ | dict(self._secrets),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the demo, which then stops the service
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            _end(self._process, _PATIENCE_S)

    def check_runs(self) -> None:
        """Raise `DemoError` with the end of its log when the service has ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            raise DemoError(f"driftd run ended with {self._process.returncode}: {self.log_end()}")

    def stop(self) -> None:
        """End it as an operator would, by SIGTERM; raises `DemoError` unless it ends well."""
        self.check_runs()
        if self._process is None:
            return
        _end(self._process, _STOP_LIMIT_S)
        if self._process.returncode:
            code = self._process.returncode
            raise DemoError(f"driftd run ended with {code} after SIGTERM: {self.log_end()}")

    def log_end(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace").strip()[-_LOG_END:]


def _end(process: subprocess.Popen[bytes], patience_s: float) -> None:
    """Ask it to finish, then to end at once (a second SIGTERM), then end it."""
    for number, limit_s in ((signal.SIGTERM, patience_s), (signal.SIGTERM, 2.0), (signal.SIGKILL, 10.0)):
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(limit_s)
            return
