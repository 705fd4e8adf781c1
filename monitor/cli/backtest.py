"""`driftd backtest`: changed settings over stored history, so that nobody has to wait to see what they do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from detectors.reference_wire import decode
from monitor.backtesting import Backtested, backtest
from monitor.cli.context import JsonOption, closing_with_command, model_of, out, print_json, print_table
from monitor.cli.findings import subject
from monitor.cli.reading import between, opened
from monitor.clock import SystemClock
from monitor.errors import ConfigError
from monitor.store.sql import open_store

Row = dict[str, Any]


def backtest_command(
    config: Annotated[Path, typer.Argument(help="The changed configuration, with the same database.")],
    model: Annotated[str, typer.Option("--model", "-m", help="The model, as in the configuration.")],
    begin: Annotated[
        str, typer.Option("--from", help="Windows from then on: 2019-03-31, 2019-03-31T06:00, or ago: 90d.")
    ],
    end: Annotated[str | None, typer.Option("--to", help="Windows that began before then; now.")] = None,
    json: JsonOption = False,
) -> None:
    """Judge stored windows again by changed settings, and show which alarms would have been raised.

    Nothing is written and nobody is told. What labels said is not judged again.
    """
    clock = SystemClock()
    from_ms, until_ms = between("--from", begin, "--to", end, clock.now())
    with opened(config) as (loaded, store):
        model_of(loaded, model)
        row = store.active_reference(loaded.config.reference_name(model))
        if row is None:
            raise ConfigError(f"model {model} has no reference: driftd reference build {model} FILE")
        scratch = closing_with_command(open_store("sqlite://"))
        scratch.upgrade_schema()
        done = backtest(
            loaded.config,
            model,
            decode(row.payload),
            store,
            scratch,
            from_ms,
            until_ms,
            clock,
        )
    rows = _compared(done)
    if json:
        print_json({"windows": done.windows, "left_out": done.left_out, "alarms": rows})
    else:
        _show(done, rows, model)


def _compared(done: Backtested) -> list[Row]:
    """Say of each alarm whether it is raised with these settings only, was raised then only, or both."""
    rows = [_row(each, "both" if _matches(each, done.stored) else "new") for each in done.alarms]
    rows += [_row(each, "gone") for each in done.stored if not _matches(each, done.alarms)]
    return sorted(rows, key=lambda row: (row["fired_at"], row["feature"]))


def _row(alarm: Row, told: str) -> Row:
    names = ("fired_at", "resolved_at", "shift", "severity", "summary")
    return {"raised": told, "feature": subject(alarm)} | {name: alarm[name] for name in names}


def _matches(alarm: Row, others: Iterable[Row]) -> bool:
    """Whether one of the others is about the same and was open at the same time."""
    same = ("shift", "feature", "check_name", "segment")
    return any(
        all(alarm[name] == other[name] for name in same)
        and alarm["opened_at"] <= _over(other)
        and other["opened_at"] <= _over(alarm)
        for other in others
    )


def _over(alarm: Row) -> datetime:
    return alarm["resolved_at"] or datetime.max.replace(tzinfo=alarm["opened_at"].tzinfo)


def _show(done: Backtested, rows: list[Row], model: str) -> None:
    left_out = f" ({done.left_out:,} left out: another reference, or no counts)" if done.left_out else ""
    out().print(
        f"{model}: {done.windows:,} windows judged again{left_out}\n"
        f"alarms: {len(done.alarms):,} with these settings, {len(done.stored):,} then",
        markup=False,
    )
    columns = ("raised", "fired_at", "resolved_at", "feature", "summary")
    if rows:
        print_table(columns, [[row[name] for name in columns] for row in rows])
