"""What commands share: the configuration, the database, and how errors and results are shown."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor.config import Loaded, Model, Secret, load
from monitor.config.section import nearest
from monitor.errors import ConfigError
from monitor.secrets import secrets_in
from monitor.store.base import Store
from monitor.store.sql import open_store

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="The configuration; else $DRIFTD_CONFIG, ./config.toml, /etc/driftd/config.toml.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


_OPENED: list[Store] = []
SECRETS: set[str] = set()
"""What must not be shown, of the configuration that this command reads."""


class Exit(IntEnum):
    """What the process tells its caller."""

    OK = 0
    FAILED = 1
    USAGE = 2
    DRIFT = 3


def configured(path: Path | None) -> Loaded:
    """Read the configuration; raises ConfigError. What is secret in it is masked in errors from then on."""
    loaded = load(path, os.environ)
    urls: Mapping[str, Secret] = {}
    with suppress(ConfigError):  # told by the commands that need them
        urls = loaded.service_urls(os.environ)
    SECRETS.update(secrets_in(loaded.config, urls))
    return loaded


def database(loaded: Loaded, *, checked: bool = True) -> Store:
    """Open the results database; with ``checked``, refuse a schema that is not this version's."""
    settings = loaded.config.database
    store = closing_with_command(open_store(settings.url.reveal(), settings.schema))
    if checked and settings.migrate == "auto":
        store.upgrade_schema()
    elif checked:
        store.check_schema()
    return store


def closing_with_command(store: Store) -> Store:
    """Give the store back; its connections are closed when the command has ended, however it ends."""
    _OPENED.append(store)
    return store


def close_stores() -> None:
    """Close what the command has opened."""
    while _OPENED:
        _OPENED.pop().close_connections()


def model_of(loaded: Loaded, name: str) -> Model:
    """Give a model's settings; raises ConfigError with the nearest name."""
    models = loaded.config.models
    if name not in models:
        known = ", ".join(models) or "none"
        raise ConfigError(
            f'{loaded.path}: there is no model "{name}"{nearest(name, models)} (models: {known})'
        )
    return models[name]


def out() -> Console:
    """The console for results."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())


def err() -> Console:
    """The console for everything that is no result: progress and errors."""
    return Console(file=sys.stderr, highlight=False, soft_wrap=True)


def told_in_force(reference_id: str, model: str) -> None:
    """Say that a reference is in force, and when services take it over."""
    out().print(f"reference {reference_id} of {model} is in force", markup=False)
    err().print("running services take it over within a minute", style="dim")


def print_json(value: Any, indent: int | None = 2) -> None:
    """Print a value as JSON; times as ISO 8601, and what a terminal would obey as escapes."""
    text = json.dumps(value, default=_plain, ensure_ascii=False, indent=indent)
    sys.stdout.write("".join(map(_escaped, text)) + "\n")


def _escaped(letter: str) -> str:
    return letter if letter.isprintable() or letter == "\n" else json.dumps(letter)[1:-1]


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()
) -> None:
    """Print a table; cells are shown as they are, never read as markup."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(cell)) for cell in row))
    out().print(table)


def shown(cell: object) -> str:
    """Give a cell's text without control characters: minutes of times, four digits of numbers."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M")
    if isinstance(cell, float):
        return f"{cell:.4g}"
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(cell))


def as_rows(dicts: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> list[list[object]]:
    """Pick columns out of dictionaries."""
    return [[row[column] for column in columns] for row in dicts]
