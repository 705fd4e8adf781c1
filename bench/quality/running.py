"""Runners: programs of their own; answers of unchanged ones are kept."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.quality.environments import CannotInstall, Peer, python_of
from bench.quality.ours import SETTINGS
from bench.quality.results import Result, read

ROOT = Path(__file__).parents[2]
LIMIT_S = 10_800.0
"""A runner that is not done by then is stopped: what it has answered counts."""
READING = ROOT / "bench" / "quality" / "runners" / "reading.py"
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_NO_TELEMETRY = dict.fromkeys(("DO_NOT_TRACK", "NML_DISABLE_USAGE_LOGGING", "WHYLOGS_NO_ANALYTICS"), "1")
OWN = ("detectors", "monitor")
ENVIRONMENT = _ONE_THREAD | _NO_TELEMETRY


@dataclass(frozen=True, slots=True)
class Runner:
    """A program that judges streams: its Python, its module, what it is told beside the streams.

    ``packages`` are those of another library. Answers are kept until packages or programs change.
    """

    name: str
    python: Path
    module: str
    more: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    def answers(self, folder: Path, cache: Path, limit_s: float = LIMIT_S) -> Result | str:
        """Have the streams of a folder judged that were not yet; give all answers, or why there are none."""
        out = cache / "answers" / f"{self.name}-{self._digest()}"
        out.mkdir(parents=True, exist_ok=True)
        command = [str(self.python), "-W", "ignore", "-m", self.module, str(folder), str(out), *self.more]
        try:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=os.environ | ENVIRONMENT,
                capture_output=True,
                text=True,
                timeout=limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return read(out, folder) or f"nothing answered within {limit_s:.0f} s"
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["no message"])[-1]
        return read(out, folder) or "nothing answered"

    def _digest(self) -> str:
        """Tell apart what answers depend on: packages, the program, and for driftd its own code."""
        digest = hashlib.blake2b(repr((self.packages, self.more)).encode(), digest_size=6)
        programs = [READING, ROOT / f"{self.module.replace('.', '/')}.py"]
        if not self.packages:
            programs += sorted(path for part in OWN for path in (ROOT / part).rglob("*.py"))
        for path in programs:
            if path.exists():
                digest.update(path.read_bytes())
        return digest.hexdigest()


def ours() -> list[Runner]:
    """Give driftd with each of its settings."""
    python = Path(sys.executable)
    return [Runner(f"driftd {name}", python, "bench.quality.ours", (name,)) for name in SETTINGS]


def of_peer(peer: Peer, cache: Path) -> Runner | str:
    """Give the runner of another library, or why it cannot be installed."""
    try:
        python = python_of(peer, cache)
    except CannotInstall as error:
        return str(error)
    module = f"bench.quality.runners.{peer.module}"
    return Runner(peer.name, python, module, (), peer.packages)
