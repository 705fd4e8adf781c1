"""`driftd replay`: files through the same engine, for trying settings out and for filling in history."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from detectors.reference import Reference
from detectors.reference_wire import decode
from detectors.result import Verdict
from monitor.cli.context import (
    ConfigOption,
    Exit,
    JsonOption,
    as_rows,
    closing_with_command,
    configured,
    database,
    err,
    model_of,
    out,
    print_json,
    print_table,
)
from monitor.cli.findings import subject
from monitor.clock import SystemClock
from monitor.config import Loaded
from monitor.errors import ConfigError
from monitor.parts import speaking_of
from monitor.references import built
from monitor.replaying import Replayed, replay_files
from monitor.store.base import Store
from monitor.store.sql import open_store
from monitor.telling import Speaking

_ALERT_COLUMNS = ("status", "shift", "feature", "opened_at", "fired_at", "resolved_at", "summary")


def replay(
    model: Annotated[str, typer.Argument(help="The model, as in the configuration.")],
    files: Annotated[list[Path], typer.Argument(help="Rows in time order: JSON lines, Parquet or CSV.")],
    labels: Annotated[
        list[Path] | None, typer.Option(help="True labels, in the same formats; repeatable.")
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(help="Build the reference from this file instead of taking the one in force."),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write the results into the configured database.")
    ] = False,
    notify: Annotated[bool, typer.Option("--notify", help="Send alerts; only with --write.")] = False,
    fail_on_drift: Annotated[
        bool, typer.Option("--fail-on-drift", help="Exit with 3 when an alert fires.")
    ] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Judge the windows of files as `driftd run` would have.

    Without --write the results go to a database that is thrown away, and are only shown.
    """
    loaded = configured(config)
    model_of(loaded, model)
    if notify and not write:
        raise ConfigError("--notify sends what the database's outbox holds, so it needs --write")
    store = database(loaded) if write else _thrown_away()
    known = _reference(loaded, model, reference, store if write else None)
    speaking = speaking_of(loaded.config, tuple(loaded.config.alerts.services)) if notify else Speaking()
    with _progress() as advance:
        done = replay_files(
            loaded.config, model, known, files, store, SystemClock(), speaking, advance, labels or ()
        )
    alerts = store.view("alert_history", model=model, newest_first=False)
    fired = [row for row in alerts if row["fired_at"] is not None]
    _show(done, fired, store, model, as_json=json)
    if fail_on_drift and fired:
        raise typer.Exit(Exit.DRIFT)


def _thrown_away() -> Store:
    """Give a database that is gone with the command."""
    store = closing_with_command(open_store("sqlite://"))
    store.upgrade_schema()
    return store


def _reference(loaded: Loaded, model: str, path: Path | None, store: Store | None) -> Reference:
    name = loaded.config.reference_name(model)
    if path is not None:
        return built(name, loaded.config.models[model], path, SystemClock().now())
    row = (store or database(loaded)).active_reference(name)
    if row is None:
        raise ConfigError(
            f"model {name} has no reference: give --reference FILE, or build one: "
            f"driftd reference build {name} FILE"
        )
    return decode(row.payload)


@contextmanager
def _progress() -> Iterator[Callable[[int], None] | None]:
    """Show how many rows have been read, on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,} rows"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err(), transient=True) as bar:
        task = bar.add_task("replaying", total=None)
        yield lambda rows: bar.advance(task, rows)


def _show(done: Replayed, fired: list[dict[str, Any]], store: Store, model: str, *, as_json: bool) -> None:
    if as_json:
        drift = {"verdict": str(Verdict.DRIFT)}
        print_json(
            {
                "rows": done.rows,
                "labels": done.labels,
                "rejected": done.rejected,
                "windows": done.windows,
                "alerts": fired,
                "drift": store.view("drift_history", model=model, where=drift, newest_first=False),
                "performance": store.view(
                    "performance_history", model=model, where=drift, newest_first=False
                ),
            }
        )
        return
    labelled = f" and {done.labels:,} labels" if done.labels else ""
    out().print(
        f"{done.rows:,} rows in {done.windows:,} windows{labelled}, {done.rejected:,} rejected; "
        f"{len(fired)} alerts"
    )
    if fired:
        named = [{**row, "feature": subject(row)} for row in fired]
        print_table(_ALERT_COLUMNS, as_rows(named, _ALERT_COLUMNS))
