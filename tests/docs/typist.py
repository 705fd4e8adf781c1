"""Commands of driftd that pages show, typed in this process: no start of Python for each."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.monitor.cli.worlds import World

NOT_TYPED = {
    "make ": "CI calls the targets by themselves",
    "python3 -m venv": "tests/docs/test_tutorial.py",
    ".venv/bin/pip install": "tests/docs/test_tutorial.py",
    ". .venv/bin/activate": "tests/docs/test_tutorial.py",
    "pip install": "the same from an index, which does not have driftd yet",
    ".venv/bin/python -m tests.services": "needs Java and ends what other tests use; .ci/run types it",
    "export DRIFTD_TEST_": "the same",
    "driftd run": "tests/docs/test_tutorial.py",
    "driftd check --connect": "tests/docs/test_tutorial.py",
    "driftd challenger": "tests/monitor/cli/test_challenger.py",
    "driftd backtest": "tests/monitor/cli/test_backtest_command.py",
    "driftd reference activate churn REFERENCE_ID": "tests/monitor/cli/test_reference_command.py",
    "driftd export sagemaker churn report/ --window 2019": "tests/monitor/cli/test_sagemaker_commands.py",
    "driftd dictionary import contract.yaml": "tests/monitor/bridges/test_data_contract.py",
    "driftd reference build churn mlflow:": "tests/monitor/cli/test_mlflow_commands.py",
    "driftd export mlflow": "tests/monitor/cli/test_mlflow_commands.py",
    "driftd dictionary promote": "tests/monitor/cli/test_promote_command.py",
    "driftd completion": "tests/monitor/cli/test_completion_command.py",
    "driftd man": "tests/monitor/cli/test_completion_command.py",
    "sudo ": "needs a machine that systemd runs; tests/deploy looks the files over",
    "docker ": "needs a container engine; tests/deploy looks the files over",
    "kubectl ": "needs a cluster; tests/deploy looks the files over",
    "cd deploy/compose": "prepares `docker compose`",
    "mkdir -m 700 secrets": "prepares `docker compose`",
    "openssl ": "prepares `docker compose`",
    "echo ": "prepares `docker compose`",
    "spark-submit": "tests/examples, by make test-spark",
}
"""Lines that pages show and this does not type, by how they begin, and who does or why nobody can."""

_ASSIGNMENT = re.compile(r"^[A-Z_]+=\S* ")


def is_typed(line: str) -> bool:
    """Whether the line is for `Typist` to type."""
    return not _ASSIGNMENT.sub("", line).startswith(tuple(NOT_TYPED))


@dataclass
class Typist:
    """Types blocks into one folder; variables that a block exports hold for those after it."""

    world: World
    patch: pytest.MonkeyPatch

    @property
    def folder(self) -> Path:
        return self.world.folder

    def write(self, name: str, text: str) -> None:
        self.folder.joinpath(name).write_text(text, encoding="utf-8")

    def run(self, text: str) -> tuple[int, str]:
        """Type the lines of a block until one fails; give how the last one ended and all that was seen."""
        code, seen = 0, ""
        for line in filter(is_typed, text.splitlines()):
            code, more = self._line(line)
            seen += more
            if code:
                break
        return code, self.told(seen)

    def _line(self, line: str) -> tuple[int, str]:
        words = shlex.split(line, comments=True)
        if words[0] == "export":
            for word in words[1:]:
                name, _, value = word.partition("=")
                self.patch.setenv(name, value)
            return 0, ""
        assert words[0] == "driftd", f"who types this? {line}"
        words, into = (words[1:-2], words[-1]) if words[-2:-1] == [">"] else (words[1:], "")
        ran = self.world.run_bare(*words)
        if into:
            self.write(into, ran.out)
        return ran.code, ran.err if into else ran.out + ran.err

    @staticmethod
    def told(text: str) -> str:
        return "".join(f"{line.rstrip()}\n" for line in text.splitlines())
