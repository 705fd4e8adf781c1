"""Terminals of 80 columns, into which a page's blocks are typed."""

from __future__ import annotations

import os
import pty
import shlex
import signal
import subprocess
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROWS, COLUMNS = 40, 80
STATE = ".state"


@dataclass(frozen=True, slots=True)
class Terminal:
    """A folder, an environment, and other names for what a page names.

    ``names`` has for each address or name of a page the one that is used here. Variables and the folder that
    one block leaves are those that the next one begins with, as for somebody who types them in one go.
    """

    folder: Path
    environ: Mapping[str, str]
    names: Mapping[str, str]

    def meant(self, text: str) -> str:
        """Give a page's text with the names that hold here."""
        for told, here in self.names.items():
            text = text.replace(told, here)
        return text

    def told(self, text: str) -> str:
        """Give an output as the page would show it: its own names, no blanks at the ends of lines."""
        for name, here in self.names.items():
            text = text.replace(here, name)
        return "".join(f"{line.rstrip()}\n" for line in text.splitlines()).strip("\n") + "\n"

    def write(self, name: str, text: str) -> None:
        """Write a file into the folder in which the last block ended."""
        script = self._script(f"cat > {shlex.quote(name)}")
        given = self.meant(text).encode()
        subprocess.run(script, input=given, env=self.environ, cwd=self.folder, check=True)

    def run(self, text: str) -> tuple[int, str]:
        """Type a block; give how it ended, and everything that was seen."""
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (ROWS, COLUMNS))
        process = subprocess.Popen(
            self._script(self.meant(text), keep=True),
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            env=self.environ,
            cwd=self.folder,
            start_new_session=True,
        )
        os.close(theirs)
        seen = b"".join(_read(ours))
        os.close(ours)
        return process.wait(10), self.told(seen.decode())

    @contextmanager
    def running(self, text: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
        """Type a block into a terminal of its own, and leave it running; kill it if it still does."""
        with log.open("wb") as file:
            script = self._script(f"exec {self.meant(text).strip()}")
            process = subprocess.Popen(script, stdout=file, stderr=file, env=self.environ, cwd=self.folder)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(10)

    def _script(self, text: str, *, keep: bool = False) -> list[str]:
        state = shlex.quote(str(self.folder / STATE))
        before = f"[ -e {state} ] && . {state}\nset -e\n"
        after = f'\n{{ export -p; printf "cd %q\\n" "$PWD"; }} > {state}\n' if keep else ""
        return ["bash", "-c", f"{before}{text}{after}"]


def _read(file: int) -> Iterator[bytes]:
    with suppress(OSError):  # Linux says so when the last program has closed its side
        while chunk := os.read(file, 65_536):
            yield chunk
