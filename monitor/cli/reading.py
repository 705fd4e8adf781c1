"""What the commands that only read share: the open database, models, points in time, rows for machines."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from monitor.cli.context import configured, database, err, out, shown
from monitor.config import Duration, Loaded
from monitor.config.section import nearest
from monitor.errors import ConfigError
from monitor.store.base import Store

LimitOption = Annotated[
    int, typer.Option("--limit", "-n", min=1, max=1_000_000, help="Show at most so many.")
]
ModelOption = Annotated[str | None, typer.Option("--model", "-m", help="Only this model's.")]

_AGES = ((86_400, "d"), (3_600, "h"), (60, "min"))


@contextmanager
def opened(config: Path | None) -> Iterator[tuple[Loaded, Store]]:
    """Give the configuration and the results database, which is closed at the end."""
    loaded = configured(config)
    store = database(loaded)
    try:
        yield loaded, store
    finally:
        store.close_connections()


def known_model(loaded: Loaded, store: Store, name: str | None) -> str | None:
    """Give the name back if the configuration or the history has such a model; raises ConfigError if not."""
    if name is None or name in loaded.config.models:
        return name
    known = sorted({*loaded.config.models, *(row["model"] for row in store.view("models"))})
    if name in known:
        return name
    models = ", ".join(known) or "none"
    raise ConfigError(
        f'neither {loaded.path} nor the database knows a model "{name}"{nearest(name, known)} '
        f"(models: {models})"
    )


def moment(option: str, text: str | None, now: datetime) -> datetime | None:
    """Read a day, an ISO 8601 time (UTC unless it says otherwise) or an age; raises ConfigError."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text.strip())
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    try:
        return now - Duration.parse(text).delta
    except (ValueError, OverflowError):
        raise ConfigError(
            f'{option} "{text[:40]}" is no time: write a day (2019-03-31), a time (2019-03-31T06:00) '
            "or how long ago (7d, 12h)"
        ) from None


def between(first: str, begin: str, last: str, end: str | None, now: datetime) -> tuple[int, int]:
    """Read a stretch of time, in milliseconds, up to now without an end; raises ConfigError."""
    begin_at, end_at = moment(first, begin, now) or now, moment(last, end, now) or now
    if begin_at >= end_at:
        raise ConfigError(f"{first} {begin} is not before {last} {end or 'now'}")
    return int(begin_at.timestamp() * 1000), int(end_at.timestamp() * 1000)


def age(span: timedelta) -> str:
    """Give a length of time in its largest unit: 12 s, 4 min, 3 h, 5 d."""
    seconds = max(0, int(span.total_seconds()))
    for size, unit in _AGES:
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def cut(rows: Sequence[Any], limit: int) -> Sequence[Any]:
    """Give the first ``limit`` rows, and say so when there are more."""
    if len(rows) > limit:
        err().print(f"the first {limit:,} of more; --limit N shows others too", style="dim")
    return rows[:limit]


def print_line(word: str, style: str, text: str) -> None:
    """Print a word in colour and what it is about; on a terminal, later lines begin below the first."""
    console, first, rest = out(), Text(f"{word:<7}", style), Text(shown(" ".join(text.split())))
    if not console.is_terminal:
        console.print(Text.assemble(first, " ", rest))
        return
    grid = Table.grid(padding=(0, 1))
    grid.add_row(first, rest)
    console.print(grid)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show on a terminal that something is waited for; nothing may be printed meanwhile."""
    if not sys.stderr.isatty():
        yield
        return
    with err().status(Text(what)):
        yield


def for_machines(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give a row without what JSON has no word for: infinite figures become null."""
    return {name: None if _is_endless(value) else value for name, value in row.items()}


def _is_endless(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
