"""The page of commands, written from the commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import Any

import typer.main

from monitor.cli.app import app

COMMANDS: Any = typer.main.get_command(app)
"""The tree of commands, as Typer built it: its classes are its own matter."""


def table_of(cells: Iterable[Iterable[str]]) -> str:
    """Give a table in Markdown; the first row is its heading."""
    lines = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in cells]
    rule = f"|{' --- |' * (lines[0].count(' | ') + 1)}\n"
    return "".join((lines[0], rule, *lines[1:]))


def commands(group: Any = COMMANDS, name: str = "driftd") -> Iterator[tuple[str, Any]]:
    """Give every command with its whole name, in the order in which `driftd --help` lists them."""
    for word, each in group.commands.items():
        whole = f"{name} {word}"
        if hasattr(each, "commands"):
            yield from commands(each, whole)
        else:
            yield whole, each


def chapter(name: str, command: Any) -> str:
    """Give what `--help` says of a command, as a chapter; `--config` is the page's to tell."""
    context = command.make_context(name, [], resilient_parsing=True)
    records = [
        (each.param_type_name, *each.get_help_record(context))
        for each in command.params
        if "--config" not in each.opts
    ]
    words = [names.split()[0].upper() for kind, names, _ in records if kind == "argument"]
    usage = " ".join([name, *words, "[OPTIONS]"])
    told = [(f"`{names.replace('|', '/')}`", meaning) for _, names, meaning in records]
    table = f"\n{table_of([('option', 'meaning'), *told])}" if told else ""
    return f"\n## {name}\n\n```text\n{usage}\n```\n\n{inspect.cleandoc(command.help)}\n{table}"


def commands_text() -> str:
    return "".join(chapter(name, command) for name, command in commands())
