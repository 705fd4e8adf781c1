"""The challenger's process as the service sees it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from monitor.challenger.messages import Alive, Done, Link, Question, Ready, Refused

_ANSWER_LIMIT_S = 120.0
"""Longer than any batch takes: a process that is silent for so long hangs."""
_ENDING_S = 5.0
_ROOT = Path(__file__).resolve().parents[2]


class Child:
    """A running process and this end of its socket; `end` has to be called. Methods may raise OSError."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "monitor.challenger", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=_environment(),
                start_new_session=True,  # Ctrl-C on a terminal is the service's alone
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.settimeout(_ANSWER_LIMIT_S)
        self._link = Link(ours)

    @property
    def pid(self) -> int:
        return self._process.pid

    def ended(self) -> int | None:
        """Give the exit code; None while it runs."""
        return self._process.poll()

    def ask(self, question: Question, is_stopping: Callable[[], bool]) -> Ready | Done | Refused:
        """Send a message and wait for its answer; a beginning that takes long is broken off when stopping."""
        self._link.send(question)
        answer = self._heard(is_stopping)
        if answer is None:
            raise ConnectionError("it ended in the middle of its work")
        return answer

    def finish(self) -> Done | None:
        """Let it save and end; give its last word, if it says one."""
        self._link.finish()
        answer = self._heard(lambda: False)
        return answer if isinstance(answer, Done) else None

    def _heard(self, is_stopping: Callable[[], bool]) -> Ready | Done | Refused | None:
        while isinstance(answer := self._link.receive(), Alive):
            if is_stopping():
                self._link.finish()
        return answer if isinstance(answer, Ready | Done | Refused) else None

    def kill(self) -> None:
        """End it at once; what it did since it last saved is lost."""
        self._process.kill()

    def end(self) -> int:
        """Let go of the process, whether it has ended or not; give its exit code."""
        self._link.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(_ENDING_S)
        self._process.kill()
        return self._process.wait()


def _environment() -> dict[str, str]:
    """Give this process's environment, in which the same packages are found and numpy starts no threads."""
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
