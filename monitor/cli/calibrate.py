"""`driftd calibrate`: the false alarms that a reference would have raised on its own rows."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from detectors.frames import columns_from_frame
from monitor.calibrating import Calibration, FeatureCalibration, calibrate
from monitor.cli.context import ConfigOption, JsonOption, configured, model_of, out, print_json, print_table
from monitor.cli.reading import waiting
from monitor.clock import SystemClock
from monitor.config import Model
from monitor.errors import DataError
from monitor.references import built_from, dictionary_of, rows_of


def calibrate_command(
    model: Annotated[str, typer.Argument(help="The model, as in the configuration.")],
    file: Annotated[Path, typer.Argument(help="Training rows with timestamps, as for reference build.")],
    dictionary: Annotated[
        Path | None, typer.Option(help="A data dictionary to use instead of an inferred one.")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="A column that is no feature; repeatable.")] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Replay training rows in windows: which features break the tests' assumptions, how many false alarms.

    Each window is judged against all other rows of the file. Nothing is stored.
    """
    loaded = configured(config)
    settings = model_of(loaded, model)
    name = loaded.config.reference_name(model)
    rows = rows_of(file, settings, name)
    if rows.times_ms is None:
        raise DataError(
            f"{file}: no column has timestamps (fields.timestamp), without which rows make no windows"
        )
    known = dictionary_of(rows, file, dictionary, ignore or ())
    with waiting(f"replaying {len(rows.frame):,} rows"):
        reference = built_from(rows, known, name, settings, file, SystemClock().now())
        found = calibrate(reference, columns_from_frame(rows.frame, known), rows.times_ms, settings)
    if not found.stretches:
        raise DataError(
            f"{file}: has {found.windows} windows of {settings.window}, at least 5 are needed: give more "
            "rows, or make the window shorter"
        )
    if json:
        print_json({"model": model, **_for_machines(found)})
    else:
        _show(model, settings, found)


def _for_machines(found: Calibration) -> dict[str, Any]:
    features = [{**asdict(one), "independent": one.holds} for one in found.features]
    return {**asdict(found), "features": features}


def _show(model: str, settings: Model, found: Calibration) -> None:
    out().print(f"{model}: {found.windows:,} windows of {settings.window}, each against all other rows")
    columns = ("feature", "design effect", "at most", "cycle", "1 % plain", "1 % now", "alarms")
    print_table(columns, [_row(one) for one in found.features], right=columns[1:3] + columns[4:])
    broken = [one.feature for one in found.features if not one.holds]
    said = f"rows are not independent: {', '.join(broken)}" if broken else "rows look independent"
    out().print(
        f"{said}\n"
        f"false alarms in {found.stretches:,} stretches of 1, 2, 4 ... windows: {found.plain:,} if rows were "
        f"independent, {found.calibrated:,} as they count now; the budget allows {found.allowed:.2g}",
        markup=False,
    )
    for one in found.features:
        if one.cycle is not None:
            out().print(f"{one.feature} has a {_NAMES[one.cycle.name]} cycle: {_way(one)}", markup=False)


_NAMES = {"day": "daily", "week": "weekly"}


def _way(one: FeatureCalibration) -> str:
    """Say what a season would be good for."""
    if one.cycle is None or one.in_season is None:
        return "a cycle is paid for with power, and these rows are too few for a season (docs/statistics.md)"
    return (
        f'season = "hour_of_{one.cycle.name}" would compare windows with their own hours, with a design '
        f"effect of {one.in_season:.1f} instead of {one.design_effect:.1f}"
    )


def _row(one: FeatureCalibration) -> tuple[object, ...]:
    return (
        one.feature,
        f"{one.design_effect:.1f}",
        f"{one.lasting_effect:.1f}",
        "" if one.cycle is None else f"{one.cycle.name} ({one.cycle.share:.0%})",
        _percent(one.plain),
        _percent(one.calibrated),
        one.alarms,
    )


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
