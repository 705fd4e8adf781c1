"""An environment for each library, apart from driftd's own: made once, kept in .cache."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree, which

INSTALL_S = 900.0
OLDER = ("python3.12", "python3.11", "python3.10")


@dataclass(frozen=True, slots=True)
class Peer:
    """A library: what is installed of it, and the program that runs it."""

    name: str
    packages: tuple[str, ...]
    module: str


PEERS = (  # with what they need and do not ask for, or not in the version that they need
    Peer("Evidently", ("evidently==0.7.23", "pandas==2.2.3"), "with_evidently"),
    Peer("NannyML", ("nannyml==0.13.1", "statsmodels==0.14.6"), "with_nannyml"),
    Peer("alibi-detect", ("alibi-detect==0.13.0",), "with_alibi_detect"),
    Peer("Frouros", ("frouros==0.9.0", "pandas==2.2.3"), "with_frouros"),
    Peer("whylogs", ("whylogs[viz]==1.6.4", "pandas==2.2.3"), "with_whylogs"),
)


class CannotInstall(Exception):  # noqa: N818  # told in the table
    """No Python here can have the library; the text says why."""


def python_of(peer: Peer, cache: Path) -> Path:
    """Give the Python that has the library, after installing it if need be.

    This Python is tried first, then older ones: some libraries do not run on new ones. Raises CannotInstall.
    """
    folder = cache / "_".join(peer.packages).replace("[", "-").replace("]", "-")
    python = folder / "bin" / "python"
    if (folder / "installed").exists():
        return python
    reason = ""
    for interpreter in _interpreters():
        rmtree(folder, ignore_errors=True)
        try:
            _run([interpreter, "-m", "venv", str(folder)])
            _run([sys.executable, "-m", "uv", "pip", "install", "--python", str(python), *peer.packages])
        except CannotInstall as error:
            reason = f"{interpreter}: {error}"
            continue
        (folder / "installed").touch()
        return python
    rmtree(folder, ignore_errors=True)
    raise CannotInstall(reason)


def _interpreters() -> Iterator[str]:
    yield sys.executable
    yield from (found for name in OLDER if (found := which(name)) is not None)


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotInstall(str(error)) from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise CannotInstall(lines[-1])
