from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from monitor.cli.app import COMMANDS, app
from monitor.cli.later import Later

HEAVY = ("kafka", "river", "scipy")


def test_what_commands_alone_need_is_not_imported_before() -> None:
    found = f"import sys, monitor.cli.app; print(*(name for name in {HEAVY} if name in sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", found], capture_output=True, text=True, check=True, timeout=60
    )
    assert (run.returncode, run.stdout.split()) == (0, [])


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each.name)
def test_every_command_is_there(command: Later) -> None:
    built = typer.main.get_command(app).commands[command.name]  # type: ignore[attr-defined]
    assert built.name == command.name
    assert built.help


def test_the_list_of_commands_is_whole_in_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        app(["--help"])
    listed = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed if line.strip()] == [each.name for each in COMMANDS]
    assert max(map(len, listed)) <= 80
