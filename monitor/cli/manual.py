"""`driftd man`: the manual page, written from the commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import typer

from monitor.cli.context import Exit
from monitor.cli.outline import Outline, Parameter, outline
from monitor.version import VERSION

_EXITS = {
    Exit.OK: "Good.",
    Exit.FAILED: "Failed: the text says what, where and what to do.",
    Exit.USAGE: "Wrong usage, or a mistake in the configuration.",
    Exit.DRIFT: "Drift was found (replay --fail-on-drift).",
}
_ENVIRONMENT = {
    "DRIFTD_CONFIG": "The configuration, when --config does not name one.",
    "DRIFTD__SECTION__KEY": "Any key of the configuration, as DRIFTD__DATABASE__URL.",
    "NOTIFY_SOCKET, WATCHDOG_USEC": "Given by systemd, which driftd run tells how it is doing.",
}
_FILES = {
    "./config.toml, /etc/driftd/config.toml": "The configuration; the first that is there.",
}


def man(context: typer.Context) -> None:
    """Print the manual page, in the form that man reads: into a file driftd.1 of a folder man1."""
    root = context.find_root()
    typer.echo(manual(outline(root.command, "driftd")), nl=False)


def manual(root: Outline) -> str:
    """Give the page in roff's man macros."""
    return "\n".join(_page(root)) + "\n"


def _page(root: Outline) -> Iterator[str]:
    yield f'.TH DRIFTD 1 "" "driftd {VERSION}" "User Commands"'
    yield from (".SH NAME", f"driftd \\- {_text(root.help[0].lower() + root.help[1:].rstrip('.'))}")
    yield from (".SH SYNOPSIS", ".B driftd", "COMMAND [OPTIONS] [ARGUMENTS]")
    yield ".SH COMMANDS"
    for each in root.walk():
        if not each.commands:
            yield from _command(each)
    for title, told in (("ENVIRONMENT", _ENVIRONMENT), ("FILES", _FILES)):
        yield f".SH {title}"
        yield from _list(told.items())
    yield ".SH EXIT STATUS"
    yield from _list((str(code.value), text) for code, text in _EXITS.items())


def _command(command: Outline) -> Iterator[str]:
    words = " ".join([*(each.names[0] for each in command.arguments), "[OPTIONS]"])
    yield f".SS {_text(command.name)} {_text(words)}"
    for number, paragraph in enumerate(command.help.split("\n\n")):
        if number:
            yield ".PP"
        yield _text(" ".join(paragraph.split()))
    yield from _list((_title(each), each.help) for each in (*command.arguments, *command.options))


def _title(parameter: Parameter) -> str:
    names = ", ".join(parameter.names)
    return f"{names} {parameter.value}" if parameter.value and parameter.names[0].startswith("-") else names


def _list(told: Iterable[tuple[str, str]]) -> Iterator[str]:
    for title, text in told:
        yield from (".TP", f".B {_text(title)}", _text(text))


def _text(text: str) -> str:
    """Escape what roff would obey."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return f"\\&{escaped}" if escaped.startswith(".") else escaped
