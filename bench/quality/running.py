"""Runners: programs of their own, each bounded in time; answers of unchanged ones are kept."""

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
CPU_S = {"driftd sensitive": 500.0, "Evidently": 300.0}
"""The rate of all others is set to that of driftd, so it has time to the end; Evidently is slow."""
OTHER_CPU_S = 150.0
QUICK = 0.1
WALL = 20.0
"""A runner is stopped after so many times its CPU time: the machine may have other things to do."""
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
    cpu_s: float
    more: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    def answers(self, folder: Path, cache: Path) -> Result | str:
        """Have the streams of a folder judged that were not yet; give all answers, or why there are none."""
        out = cache / "answers" / f"{self.name}-{self._digest()}"
        out.mkdir(parents=True, exist_ok=True)
        command = [
            str(self.python),
            "-W",
            "ignore",
            "-m",
            self.module,
            str(folder),
            str(out),
            str(self.cpu_s),
        ]
        try:
            done = subprocess.run(
                [*command, *self.more],
                cwd=ROOT,
                env=os.environ | ENVIRONMENT,
                capture_output=True,
                text=True,
                timeout=WALL * self.cpu_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"not done after {WALL * self.cpu_s:.0f} s"
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["no message"])[-1]
        return read(out, folder)

    def _digest(self) -> str:
        """Tell apart what answers depend on: packages, the program, and for driftd its own code."""
        digest = hashlib.blake2b(repr((self.packages, self.more)).encode(), digest_size=6)
        programs = [ROOT / f"{self.module.replace('.', '/')}.py"]
        if not self.packages:
            programs += sorted(path for part in OWN for path in (ROOT / part).rglob("*.py"))
        for path in programs:
            if path.exists():
                digest.update(path.read_bytes())
        return digest.hexdigest()


def ours(share: float) -> list[Runner]:
    """Give driftd with each of its settings."""
    python, module = Path(sys.executable), "bench.quality.ours"
    return [
        Runner(f"driftd {name}", python, module, _cpu_s(f"driftd {name}", share), (name,))
        for name in SETTINGS
    ]


def of_peer(peer: Peer, cache: Path, share: float) -> Runner | str:
    """Give the runner of another library, or why it cannot be installed."""
    try:
        python = python_of(peer, cache)
    except CannotInstall as error:
        return str(error)
    module = f"bench.quality.runners.{peer.module}"
    return Runner(peer.name, python, module, _cpu_s(peer.name, share), (), peer.packages)


def _cpu_s(name: str, share: float) -> float:
    return share * CPU_S.get(name, OTHER_CPU_S)
