"""Commands whose modules are imported when they are asked for: all of them together take seconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup


@dataclass(frozen=True, slots=True)
class Later:
    """A command by name, what it is (a function, or a group's `Typer`), and one line about it."""

    name: str
    module: str
    attribute: str
    help: str

    def built(self) -> Any:
        """Import and build it."""
        target = getattr(import_module(f"monitor.cli.{self.module}"), self.attribute)
        around = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        if isinstance(target, typer.Typer):
            around.add_typer(target, name=self.name)
        else:
            around.command(self.name)(target)
        return typer.main.get_group(around).commands[self.name]


class _Commands(Mapping[str, Any]):
    """The commands by name, each built once, when it is looked at."""

    def __init__(self, commands: Sequence[Later]) -> None:
        self._later = {each.name: each for each in commands}
        self._built = cache(lambda name: self._later[name].built())

    def __getitem__(self, name: str) -> Any:
        return self._built(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._later)

    def __len__(self) -> int:
        return len(self._later)


def group_of(commands: Sequence[Later]) -> type[TyperGroup]:
    """Make the class of a group of these commands."""

    class Group(TyperGroup):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.commands = _Commands(commands)  # type: ignore[assignment]  # nothing is ever added

        def format_commands(self, ctx: Any, formatter: Any) -> None:
            del ctx
            with formatter.section("Commands"):
                formatter.write_dl([(each.name, each.help) for each in commands])

    return Group
