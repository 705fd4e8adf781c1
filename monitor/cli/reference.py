"""`driftd reference`: what a model's data looked like when it was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from detectors.checks import listed
from detectors.dictionary import Feature, Kind, Role
from detectors.dictionary_file import to_toml
from detectors.grid import CategoricalGrid
from detectors.reference import Reference
from detectors.reference_wire import decode
from detectors.segments import segment_name
from monitor.bridges.building import Built, built
from monitor.cli.context import (
    ConfigOption,
    JsonOption,
    as_rows,
    configured,
    database,
    err,
    model_of,
    out,
    print_json,
    print_table,
)
from monitor.clock import SystemClock
from monitor.errors import DataError
from monitor.references import stored, understood

app = typer.Typer(
    name="reference", help="References: what models' data is compared with.", no_args_is_help=True
)

_COLUMNS = ("id", "model", "version", "rows", "built_at", "active", "source")


@app.command("build")
def build(
    model: Annotated[str, typer.Argument(help="The model, as in the configuration.")],
    file: Annotated[
        Path,
        typer.Argument(
            help="Training rows: Parquet, CSV, or one JSON message a line; or SageMaker's statistics.json, "
            "mlflow:models:/NAME/VERSION, sacred:RUN."
        ),
    ],
    dictionary: Annotated[
        Path | None, typer.Option(help="A data dictionary to use instead of an inferred one.")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="A column that is no feature; repeatable.")] = None,
    inactive: Annotated[
        bool, typer.Option("--inactive", help="Store it without putting it into force.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Store nothing; print the data dictionary as TOML.")
    ] = False,
    data_version: Annotated[
        str, typer.Option(help="Version of the training data, for the lineage; the SHA-256 of its file.")
    ] = "",
    config: ConfigOption = None,
) -> None:
    """Build a model's reference and data dictionary from the rows it was trained on."""
    loaded = configured(config)
    settings = model_of(loaded, model)
    store = None if dry_run else database(loaded)
    name = loaded.config.reference_name(model)
    made = built(file, settings, name, SystemClock().now(), dictionary, ignore or ())
    if store is None:
        _say(made, err())
        out().print(to_toml(made.reference.dictionary), markup=False)
        return
    version = data_version or made.data_version
    store.add_reference(stored(made.reference, active=not inactive, data_version=version))
    _describe(made, active=not inactive)


def _say(made: Built, console: Console) -> None:
    for line in (*made.notes, understood(made.reference)):
        console.print(line, markup=False)


def _describe(made: Built, *, active: bool) -> None:
    reference = made.reference
    state = (
        "in force" if active else f"not in force: driftd reference activate {reference.model} {reference.id}"
    )
    out().print(f"reference {reference.id} of {reference.model}: {reference.rows:,} rows, {state}")
    _say(made, out())
    _segments(reference)
    _season(reference)
    _pairs(reference)
    _reconstruction(reference)
    _dictionary_table(reference)
    err().print(
        "look the dictionary over: driftd reference show; to change it, save the TOML of --dry-run, "
        "edit it, and build again with --dictionary",
        style="dim",
    )


def _segments(reference: Reference) -> None:
    """Say which values are judged by themselves, and which only as a part of the whole."""
    for feature, values in reference.segments.items():
        rows = sum(reference.profile.segments[segment_name(feature, value)].rows for value in values)
        grid = reference.grids[feature]
        known = grid.categories if isinstance(grid, CategoricalGrid) else ()
        out().print(
            f"segments of {feature}: {', '.join(values) or 'none'} ({len(values)} of {len(known)} values, "
            f"{rows / max(1, reference.rows):.1%} of rows; the others are judged in the whole only)",
            markup=False,
        )


def _season(reference: Reference) -> None:
    """Say how many parts the hours make, and how many rows the smallest has."""
    known = reference.seasonal
    if known is not None:
        season = known.season
        number, least = season.size, min(known.rows)
        out().print(
            f"season: {season.hours} in {season.zone}, {len(season.parts)} hours in {number} parts "
            f"of {least:,} rows or more",
            markup=False,
        )


def _pairs(reference: Reference) -> None:
    """Say which features are looked at two by two."""
    if reference.pairing is not None:
        names = reference.pairing.names
        count = len(names) * (len(names) - 1) // 2
        out().print(f"pairs: {count:,} of {len(names)} numeric features", markup=False)


def _reconstruction(reference: Reference) -> None:
    """Say which features are looked at all together, and in how many rows."""
    known, residuals = reference.reconstruction, reference.profile.residuals
    if known is not None and residuals is not None:
        numeric = [one.name for one in reference.dictionary.used().values() if _is_numeric(one)]
        left_out = [name for name in numeric if name not in known.names]
        without = f", without {listed(left_out)}" if left_out else ""
        share = residuals.rows / max(1, reference.rows)
        out().print(
            f"reconstruction error: of {len(known.names)} of {len(numeric)} numeric features{without}, in "
            f"{share:.1%} of rows".replace("%", " %"),
            markup=False,
        )


def _is_numeric(feature: Feature) -> bool:
    return feature.kind is Kind.NUMERIC and feature.role is Role.FEATURE


def _dictionary_table(reference: Reference) -> None:
    rows = [
        (
            name,
            feature.kind,
            feature.type,
            "" if feature.role is Role.FEATURE else feature.role,
            _counted(reference, name),
        )
        for name, feature in reference.dictionary.features.items()
    ]
    print_table(("feature", "kind", "type", "role", "reference"), rows)


def _counted(reference: Reference, name: str) -> str:
    """Say in a few words what the reference knows of a feature."""
    if name not in reference.grids:
        return "left out"
    counts = reference.profile.counts[name]
    absent = counts.missing + counts.null
    parts = [f"{counts.n:,} values"]
    if absent:
        parts.append(f"{absent / max(1, reference.rows):.1%} absent")
    effect = reference.by_season().effect_of(name)
    if effect > 1.5:  # noqa: PLR2004  # worth knowing: neighbours resemble each other
        parts.append(f"design effect {effect:.1f}")
    return ", ".join(parts)


@app.command("list")
def list_(
    model: Annotated[str | None, typer.Argument(help="Only this model's.")] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List references, newest first."""
    rows: list[dict[str, Any]] = [
        {column: getattr(row, column) for column in (*_COLUMNS, "data_version")}
        for row in database(configured(config)).references(model)
    ]
    if json:
        print_json(rows)
    else:
        print_table(_COLUMNS, as_rows(rows, _COLUMNS), right=("rows",))


@app.command("show")
def show(
    model: Annotated[str, typer.Argument(help="The model.")],
    reference_id: Annotated[str | None, typer.Option("--id", help="Another than the one in force.")] = None,
    toml: Annotated[bool, typer.Option("--toml", help="Print the data dictionary as TOML.")] = False,
    config: ConfigOption = None,
) -> None:
    """Show a reference and its data dictionary."""
    loaded = configured(config)
    model_of(loaded, model)
    store = database(loaded)
    name = loaded.config.reference_name(model)
    row = store.active_reference(name) if reference_id is None else store.reference(reference_id)
    if row is None or row.model != name:
        what = "no reference in force" if reference_id is None else f'no reference "{reference_id}"'
        raise DataError(f"model {name} has {what}; list them: driftd reference list {name}")
    reference = decode(row.payload)
    if toml:
        out().print(to_toml(reference.dictionary), markup=False)
        return
    built_at = f"{row.built_at:%Y-%m-%d %H:%M} UTC"
    out().print(f"reference {row.id} of {name}: {row.rows:,} rows of {row.source}, built {built_at}")
    out().print(f"training data: {row.data_version or 'version unknown'}", markup=False)
    out().print(understood(reference), markup=False)
    _segments(reference)
    _season(reference)
    _pairs(reference)
    _reconstruction(reference)
    _dictionary_table(reference)


@app.command("activate")
def activate(
    model: Annotated[str, typer.Argument(help="The model.")],
    reference_id: Annotated[str, typer.Argument(help="The reference, as in `driftd reference list`.")],
    config: ConfigOption = None,
) -> None:
    """Put another of a model's references into force; running services take it up within a minute."""
    loaded = configured(config)
    model_of(loaded, model)
    name = loaded.config.reference_name(model)
    if not database(loaded).activate_reference(name, reference_id):
        raise DataError(
            f'model {name} has no reference "{reference_id}"; list them: driftd reference list {name}'
        )
    out().print(
        f"reference {reference_id} of {name} is in force; running services take it up within a minute"
    )
