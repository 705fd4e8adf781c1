"""`driftd export`: what driftd knows, in the words of other tools."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Annotated, Any

import typer

from detectors.dictionary import as_logged
from detectors.reference import Reference
from detectors.reference_wire import decode
from detectors.result import Verdict
from monitor.bridges.building import MLFLOW
from monitor.bridges.needing import needing
from monitor.bridges.points import labelled_windows, together, windows
from monitor.bridges.rounds import rounds
from monitor.bridges.sacred import write_run
from monitor.bridges.sagemaker import constraints, summary, violations
from monitor.cli.context import ConfigOption, err, model_of, out, shown
from monitor.cli.reading import between, moment, opened
from monitor.clock import SystemClock
from monitor.comparing import FIND_OUT, stretch
from monitor.errors import ConfigError, DataError
from monitor.known import KnownReferences
from monitor.store.base import Store

app = typer.Typer(name="export", help="What driftd knows, in the words of other tools.", no_args_is_help=True)

LATEST = "latest"
FOLLOWED_EVERY_S = 60.0
MOST_WINDOWS = 10_000
"""In one run of Sacred's, which is one file: more than a year of hours."""


@app.command("sagemaker")
def sagemaker(
    model: Annotated[str, typer.Argument(help="The model, as in the configuration.")],
    folder: Annotated[Path, typer.Argument(help="Where the files go; made if it is not there.")],
    window: Annotated[
        str | None,
        typer.Option(
            help="A window's beginning (2019-03-31T06:00) or latest: what was found in it, not the baseline."
        ),
    ] = None,
    reference_id: Annotated[
        str | None, typer.Option("--id", help="The baseline of another reference than the one in force.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Write a model's baseline as SageMaker's statistics.json and constraints.json.

    With --window, that window's statistics.json and constraint_violations.json. Times are event time, UTC.
    """
    with opened(config) as (loaded, store):
        settings = model_of(loaded, model)
        if window is None:
            reference = _reference(store, loaded.config.reference_name(model), reference_id)
            files, left_out = _baseline(reference, settings.min_effect)
        elif reference_id is not None:
            raise ConfigError("--id is for the baseline: a window has the reference that it was judged by")
        else:
            files, left_out = _window(store, model, _start(store, model, window))
    _write(folder, files)
    for line in left_out:
        err().print(f"SageMaker's files have no place for {line}", markup=False)
    for name in files:
        out().print(str(folder / name), markup=False)


@app.command("mlflow")
def mlflow(
    model: Annotated[str, typer.Argument(help="The model, as in the configuration.")],
    since: Annotated[
        str, typer.Option(help="Where a new run begins: 2019-03-31, 2019-03-31T06:00, or ago: 7d, 12h.")
    ] = "7d",
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on for ever, with what is judged from now on.")
    ] = False,
    experiment: Annotated[
        str, typer.Option(help="The experiment whose run it is; made if need be.")
    ] = "driftd",
    config: ConfigOption = None,
) -> None:
    """Log what was found in each window as metrics of a run of its own in MLflow.

    MLFLOW_TRACKING_URI names the server or database. Each time it goes on where it ended, on any machine.
    """
    with needing("mlflow"):
        from monitor.bridges.mlflow import asking, results  # noqa: PLC0415  # takes seconds
    clock = SystemClock()
    first = moment("--since", since, clock.now()) or clock.now()
    client = asking.client()
    with opened(config) as (loaded, store):
        settings, name = model_of(loaded, model), loaded.config.reference_name(model)

        def one() -> bool:
            reference = store.active_reference(name)
            source = "" if reference is None else reference.source
            registered = source.removeprefix(MLFLOW) if source.startswith(MLFLOW) else None
            subject = results.Subject(model, settings.version, registered, settings.labels_horizon.delta)
            logged = results.log(client, store, subject, experiment, first, clock.now())
            if logged.metrics or not follow:
                what = f"{logged.metrics:,} metrics of {logged.windows:,} windows"
                out().print(f"{what} logged to run {logged.run_id}", markup=False)
            return logged.is_all

        rounds(one, clock, Event(), FOLLOWED_EVERY_S if follow else None, _say)


@app.command("sacred")
def sacred(
    model: Annotated[str, typer.Argument(help="The model, as in the configuration.")],
    folder: Annotated[Path, typer.Argument(help="Of Sacred's FileStorageObserver; made if it is not there.")],
    since: Annotated[
        str, typer.Option(help="Windows from then on: 2019-03-31, 2019-03-31T06:00, or ago: 7d, 12h.")
    ] = "7d",
    until: Annotated[str | None, typer.Option(help="Windows that began before then; now.")] = None,
    config: ConfigOption = None,
) -> None:
    """Write what was found in a stretch of time as a new run of Sacred's."""
    now = SystemClock().now()
    begin_ms, end_ms = between("--since", since, "--until", until, now)
    begin, end = (datetime.fromtimestamp(at / 1000, UTC) for at in (begin_ms, end_ms))
    with opened(config) as (loaded, store):
        settings, name = model_of(loaded, model), loaded.config.reference_name(model)
        labelled = labelled_windows(store, model, begin, end, MOST_WINDOWS)
        judged = list(together(windows(store, model, begin, end, MOST_WINDOWS), labelled))
        active = store.active_reference(name)
    if not judged:
        raise DataError(f"model {model} has no judged window between {begin} and {end}; {FIND_OUT}")
    about = {
        "model": model,
        "model_version": settings.version,
        "reference_id": "" if active is None else active.id,
        "reference_source": "" if active is None else active.source,
        "since": begin.isoformat(),
        "until": end.isoformat(),
    }
    drifted = sum(window.verdict is Verdict.DRIFT for window in judged)
    result = {"windows": len(judged), "windows_with_drift": drifted}
    out().print(str(write_run(folder, about, judged, result, now)), markup=False)


def _say(text: str) -> None:
    err().print(f"driftd: {shown(text)}", markup=False)


def _reference(store: Store, name: str, reference_id: str | None) -> Reference:
    row = store.active_reference(name) if reference_id is None else store.reference(reference_id)
    if row is None or row.model != name:
        what = "no reference in force" if reference_id is None else f'no reference "{reference_id}"'
        raise DataError(f"model {name} has {what}; list them: driftd reference list {name}")
    return decode(row.payload)


def _baseline(reference: Reference, min_effect: float) -> tuple[dict[str, Any], tuple[str, ...]]:
    dictionary, profile = as_logged(reference.dictionary), reference.profile
    files = {
        "statistics.json": summary.exported(dictionary, reference.logged_grids, profile),
        "constraints.json": constraints.exported(dictionary, profile, min_effect),
    }
    return files, tuple(constraints.not_exported(dictionary))


def _start(store: Store, model: str, text: str) -> datetime:
    if text != LATEST:
        return moment("--window", text, SystemClock().now()) or SystemClock().now()
    rows = store.view("window_history", model=model, where={"segment": ""}, limit=1)
    if not rows:
        raise DataError(f"model {model} has no judged window yet; {FIND_OUT}")
    start: datetime = rows[0]["window_start"]
    return start


def _window(store: Store, model: str, start: datetime) -> tuple[dict[str, Any], tuple[str, ...]]:
    start_ms = int(start.astimezone(UTC).timestamp() * 1000)
    find = KnownReferences(store).find
    one = stretch(store, model, start_ms, start_ms + 1, find)
    reference = find(one.reference_id)
    if reference is None:
        raise DataError(f"reference {one.reference_id} is not in the database any more")
    until = start + timedelta(milliseconds=1)
    quality = store.view("quality_history", model=model, since=start, until=until, where={"segment": ""})
    base = {"segment": "", "multiple": 1}
    drift = store.view("drift_history", model=model, since=start, until=until, where=base)
    extra = one.profile.sample.extra_columns
    found, left_out = violations.exported(quality, drift, reference.logged_grids, extra)
    statistics = summary.exported(reference.dictionary, reference.logged_grids, one.profile)
    return {"statistics.json": statistics, "constraint_violations.json": found}, left_out


def _write(folder: Path, files: Mapping[str, Any]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, document in files.items():
            text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
            (folder / name).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{folder}: cannot be written: {error.strerror}") from error
