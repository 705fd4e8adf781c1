"""The commands as values, for what is written from them: completion in shells, the man page."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints


@dataclass(frozen=True, slots=True)
class Parameter:
    """An option, or an argument, whose one name is in capitals. Without ``value`` it is a switch."""

    names: tuple[str, ...]
    help: str
    value: str = ""
    is_file: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outline:
    """A command, or a group of them, by its whole name."""

    name: str
    help: str
    options: tuple[Parameter, ...]
    arguments: tuple[Parameter, ...]
    commands: tuple[Outline, ...]

    @property
    def word(self) -> str:
        return self.name.rpartition(" ")[2]

    def walk(self) -> Iterator[Outline]:
        """Give this one and all below it."""
        yield self
        for each in self.commands:
            yield from each.walk()


HELP = Parameter(("--help", "-h"), "Show what the command does, and stop.")


def outline(command: Any, name: str) -> Outline:
    """Read a command as Typer has built it."""
    hints = get_type_hints(inspect.unwrap(command.callback)) if command.callback else {}
    shown = [each for each in command.params if not each.hidden]
    return Outline(
        name,
        inspect.cleandoc(command.help or ""),
        (*(_parameter(each, hints) for each in shown if each.param_type_name == "option"), HELP),
        tuple(_parameter(each, hints) for each in shown if each.param_type_name == "argument"),
        tuple(outline(each, f"{name} {word}") for word, each in getattr(command, "commands", {}).items()),
    )


def _parameter(parameter: Any, hints: Mapping[str, Any]) -> Parameter:
    is_argument = parameter.param_type_name == "argument"
    names = (parameter.name.upper(),) if is_argument else tuple(sorted(parameter.opts, key=len, reverse=True))
    kinds = list(_kinds(hints.get(parameter.name, str)))
    choices = tuple(str(each) for kind in kinds for each in _choices(kind))
    if is_argument or not parameter.is_flag:
        value = "|".join(choices) or ("FILE" if Path in kinds else "N" if int in kinds else "TEXT")
    else:
        value = ""
    return Parameter(names, " ".join((parameter.help or "").split()), value, Path in kinds, choices)


def _kinds(hint: Any) -> Iterator[Any]:
    """Give what a value may be: the parts of unions, the items of lists."""
    if get_origin(hint) is Literal or not get_args(hint):
        yield hint
    else:
        for part in get_args(hint):
            yield from _kinds(part)


def _choices(kind: Any) -> tuple[Any, ...]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    return tuple(each.value for each in kind) if isinstance(kind, type) and issubclass(kind, Enum) else ()
