"""All of `driftd dictionary`."""

from __future__ import annotations

from monitor.cli.dictionary import app
from monitor.cli.dictionary_commands import COMMANDS
from monitor.cli.promote import promote

__all__ = ["app"]

for command in (*COMMANDS, promote):
    app.command(command.__name__)(command)
