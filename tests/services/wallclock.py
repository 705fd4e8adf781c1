"""A wall clock that a test sets while a process runs, beneath the process: in its libc.

libfaketime would do the same, but Debian's makes Python's `time.sleep` fail when it leaves the monotonic
clock alone.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("wallclock.c")
GET_IT = "needs a C compiler for Linux; get it with: apt-get install gcc libc6-dev"


@dataclass(frozen=True)
class WallClock:
    """The clock of processes that run in `environ`."""

    library: Path
    file: Path

    @property
    def environ(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self.library), "DRIFTD_TEST_CLOCK": str(self.file)}

    def set_ahead(self, seconds: int) -> None:
        """Let the clock be this far ahead of the machine's, from now on."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(str(seconds), encoding="utf-8")
        fresh.replace(self.file)


def wall_clock(folder: Path) -> WallClock | None:
    """Give a clock that is right to begin with; None where it cannot be made."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    clock = WallClock(folder / "wallclock.so", folder / "ahead")
    done = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", clock.library, SOURCE],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return None
    clock.set_ahead(0)
    return clock
