"""`driftd experiment`: variants of a model on one stream, compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from alerts import words
from monitor.cli.context import ConfigOption, JsonOption, out, print_json, print_table, shown
from monitor.cli.reading import for_machines, known_model, opened
from monitor.config import Loaded
from monitor.experiment.reading import conclusions, latest, lift, signed
from monitor.store.types import to_ms

_COLUMNS = ("measure", "variant", "n", "control", "variant's", "change", "best")
_LARGEST = 3


def experiment(
    model: Annotated[str, typer.Argument(help="The model, as in the configuration.")],
    name: Annotated[str | None, typer.Option("--name", help="An experiment; the latest one.")] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show how a model's variants compare: the split, inputs, predictions, performance and the metric.

    change is the lift's interval, or the difference's where the control's mean may be 0. Intervals hold at
    all looks together, so they may be read at any time. best is the probability that the variant is the best
    of all: given the data and a prior, it is no such guarantee. Times are event time, UTC.
    """
    with opened(config) as (loaded, store):
        known_model(loaded, store, model)
        rows = latest(store, model, name)
    if json:
        said = conclusions(rows) if rows else []
        print_json({"model": model, "conclusions": said, "results": [for_machines(row) for row in rows]})
    elif rows:
        _show(model, rows)
    else:
        out().print(_nothing(loaded, model, name), markup=False)


def _nothing(loaded: Loaded, model: str, name: str | None) -> str:
    settings = loaded.config.models.get(model)
    if name is not None:
        return f"model {model} has no results of an experiment {name!r}"
    if settings is None or settings.experiment is None:
        return f"model {model} has no experiment: [models.{model}.experiment] in {loaded.path} adds one"
    return f"no window of {model} has been judged since its experiment began"


def _show(model: str, rows: Sequence[Mapping[str, Any]]) -> None:
    since, until = (words.moment(to_ms(rows[0][key])) for key in ("since", "window_end"))
    console = out()
    console.print(shown(f"experiment {rows[0]['experiment']} on {model}"), style="bold", markup=False)
    console.print(f"all rows from {since}\n        until {until}")
    for line in _data(rows):
        console.print(shown(line), markup=False)
    compared = [row for row in rows if row["kind"] in ("performance", "metric")]
    if compared:
        console.print(f"\nmeasures until {words.moment(to_ms(compared[0]['window_end']))}")
        print_table(_COLUMNS, map(_cells, compared), right=_COLUMNS[2:])
    console.print()
    for sentence in conclusions(rows):
        console.print(shown(sentence), markup=False)


def _data(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Give the lines about how rows were dealt and what they hold."""
    for row in (row for row in rows if row["kind"] == "split"):
        yield f"split        {row['conclusion']:<13}{_split(row)}"
        if row["note"]:
            yield f"{'':26}{row['note']}"
    for kind, title in (("input", "inputs"), ("prediction", "predictions")):
        mine = sorted((row for row in rows if row["kind"] == kind), key=_worst_first)
        for place, row in enumerate(mine[:_LARGEST]):
            yield f"{'' if place else title:<13}{row['conclusion']:<13}{_apart(row)}"
        if len(mine) > _LARGEST:
            yield f"{'':26}{len(mine) - _LARGEST:,} more are less apart"


def _apart(row: Mapping[str, Any]) -> str:
    apart = row["difference"]
    told = "no values" if apart is None else f"{words.percent(apart, 1)} of rows apart"
    return f"{row['measure']} in {row['variant']}: {told}"


def _worst_first(row: Mapping[str, Any]) -> tuple[bool, float, str]:
    return row["conclusion"] not in ("fail", "differs"), -(row["difference"] or 0.0), row["measure"]


def _split(row: Mapping[str, Any]) -> str:
    if row["variant_value"] is None:
        return "no row has one of the variants"
    wanted = words.percent(row["variant_value"] - row["difference"], 1)
    return (
        f"{row['variant']} {row['n_variant']:,}, {row['control']} {words.count(row['n_control'], 'row')}: "
        f"{words.percent(row['variant_value'], 1)} of all, {wanted} were set"
    )


def _cells(row: Mapping[str, Any]) -> list[object]:
    change = "" if row["low"] is None else f"{signed(row['low'])} to {signed(row['high'])}"
    return [
        row["measure"],
        row["variant"],
        words.number(row["n_control"] + row["n_variant"]),
        "" if row["control_value"] is None else words.number(row["control_value"]),
        "" if row["variant_value"] is None else words.number(row["variant_value"]),
        lift(row) or change,
        "" if row["probability"] is None else words.percent(row["probability"], 1),
    ]
