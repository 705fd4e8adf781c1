"""A program on a real terminal of 80 columns, and what it shows there."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.services.waiting import until

COLUMNS, LINES = 80, 24


def _obey() -> None:
    """Make Ctrl-C a signal that is heard: in the background it may be ignored."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class OnTerminal:
    """A process whose input, output and terminal is ours."""

    def __init__(self, command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "TERM": "xterm", "HOME": str(folder), **environ},
            start_new_session=True,
            preexec_fn=_obey,  # noqa: PLW1509
        )
        os.close(theirs)
        self.shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(30)
        os.close(self._ours)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def shows(self, text: str) -> bool:
        """Tell whether the text has been shown by now."""
        while select.select([self._ours], [], [], 0)[0]:
            try:
                more = os.read(self._ours, 65_536)
            except OSError:  # it has ended
                break
            if not more:
                break
            self.shown += more.decode(errors="replace")
        return text in self.shown

    def wait_for(self, text: str) -> None:
        until(lambda: self.shows(text), f"{text!r} is shown", 60)
