"""`driftd challenger`: the model that learns beside the one in production, looked at and taken out."""

from __future__ import annotations

import platform
import zipfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from alerts import words
from monitor.challenger.state import ChallengerState, read_state
from monitor.challenger.sums import WindowSums
from monitor.challenger.terms import state_path
from monitor.cli.context import ConfigOption, JsonOption, configured, model_of, out, print_json, print_table
from monitor.cli.findings import ABSTENTION, drift_words
from monitor.cli.reading import LimitOption, cut, for_machines, known_model, opened
from monitor.config import Loaded
from monitor.errors import DataError
from monitor.performance.advice import advice_of
from monitor.store.base import ChallengerResult
from monitor.store.types import to_ms
from monitor.version import VERSION

app = typer.Typer(
    name="challenger",
    help="The model that learns beside the one in production.",
    no_args_is_help=True,
)

_CARD_WINDOWS = 48
_COLUMNS = ("window", "rows", "production", "challenger", "difference", "unsure", "shed")
_HOW_TO_LOAD = """\
import pickle

model = pickle.load(open("model.pickle", "rb"))  # runs code: only open a file that you trust
position = model.predict_one({example})
{classes}[position]
"""
_FEATURES_ARE = (
    'float for numeric; text for categorical and boolean, whole numbers as "5", truth values as "true" and '
    '"false"; what is absent is left out'
)


@app.command("export")
def export(
    model: Annotated[str, typer.Argument(help="The model, as in the configuration.")],
    file: Annotated[Path, typer.Argument(help="The .zip file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if there is one.")] = False,
    config: ConfigOption = None,
) -> None:
    """Write what the challenger has learned to a .zip file: the model, its data dictionary, and a card.

    It is the state that `driftd run` saved last, at most a minute ago, on this machine.
    """
    loaded = configured(config)
    model_of(loaded, model)
    state = _state(loaded, model)
    if file.exists() and not force:
        raise DataError(f"{file} is there already: give another name, or --force to replace it")
    try:
        _write(file, state)
    except OSError as error:
        raise DataError(f"{file}: cannot be written: {error.strerror}") from None
    saved = words.moment(state.saved_ms)
    out().print(f"{file}: challenger of {model} ({state.terms.base}), as saved {saved}", markup=False)
    out().print(f"{words.count(state.learned_rows, 'row')} learned; card.json says how to load it")


def _state(loaded: Loaded, model: str) -> ChallengerState:
    path = state_path(loaded.state_dir, model)
    try:
        state = read_state(path)
    except ValueError as error:
        raise DataError(f"{path}: {error}; `driftd run` sets it aside and begins anew") from None
    if state is not None:
        return state
    if loaded.config.models[model].challenger is None:
        raise DataError(
            f"model {model} has no challenger: add [models.{model}.challenger] to {loaded.path} and restart"
        )
    raise DataError(
        f"{path} does not exist: `driftd run` writes it every minute, on the machine where it reads "
        f"the model's labels"
    )


def _write(file: Path, state: ChallengerState) -> None:
    """Write the archive in one step."""
    draft = file.with_name(file.name + ".new")
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("model.pickle", state.ensemble)
            archive.writestr("dictionary.toml", state.dictionary)
            archive.writestr("card.json", msgspec.json.format(msgspec.json.encode(_card(state)), indent=2))
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def _card(state: ChallengerState) -> dict[str, Any]:
    """Say what the model is, how it did, and how it is loaded."""
    terms = state.terms
    example = "{" + ", ".join(f"{name!r}: {_EXAMPLES[kind]}" for name, kind in terms.features) + "}"
    return {
        "model": terms.model,
        "base": terms.base,
        "rule": terms.rule,
        "seed": terms.seed,
        "learned_rows": state.learned_rows,
        "saved_at": datetime.fromtimestamp(state.saved_ms / 1000, UTC),
        "versions": {"driftd": VERSION, "river": terms.river, "python": platform.python_version()},
        "classes": terms.classes,
        "label": state.label,
        "features": [{"name": name, "kind": kind} for name, kind in terms.features],
        "prequential": _prequential(state),
        "how_to_load": _HOW_TO_LOAD.format(example=example, classes=list(terms.classes)),
        "features_are": _FEATURES_ARE,
        "predictions_are": "positions in classes; one more than the last stands for a class not among them",
        "needs": f"pip install driftd=={VERSION} river=={terms.river}",
    }


_EXAMPLES = {"numeric": "1.5", "categorical": '"text"', "boolean": '"true"'}


def _prequential(state: ChallengerState) -> dict[str, Any] | None:
    """Sum the latest windows up: each row was predicted before it was learned, beside production's model."""
    kept = [each for each in state.windows if each.rows][-_CARD_WINDOWS:]
    if not kept:
        return None
    total = WindowSums(kept[0].start_ms)
    for each in kept:
        total.add(each)
    difference = total.difference()
    return {
        "since": datetime.fromtimestamp(kept[0].start_ms / 1000, UTC),
        "until": datetime.fromtimestamp((kept[-1].start_ms + state.window_ms) / 1000, UTC),
        "rows": total.rows,
        "production_error": total.production_errors / total.rows,
        "challenger_error": total.challenger_errors / total.rows,
        "difference": difference.value,
        "low": difference.low,
        "high": difference.high,
    }


@app.command("show")
def show(
    model: Annotated[str, typer.Argument(help="The model.")],
    limit: LimitOption = 24,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show how production's model and the challenger did on the same labelled rows, newest window first.

    Each row was predicted before the challenger learned it. The difference of the errors, challenger less
    production, is a 95 % interval in percentage points; unsure is the share of the challenger's members that
    abstained; shed are labelled rows that it had no time for. Below stands the latest early warning, if there
    was one. Times are event time, UTC.
    """
    with opened(config) as (loaded, store):
        known_model(loaded, store, model)
        rows = store.view("challenger_history", model=model, limit=limit + 1)
        warned = store.view("drift_history", model=model, where={"detector": ABSTENTION}, limit=1)
        lease = next((each for each in store.challenger_leases() if each.model == model), None)
    if json:
        print_json([for_machines(row) for row in cut(rows, limit)])
        return
    if lease is not None:
        until = words.moment(to_ms(lease.until))
        out().print(f"learns on {lease.holder}, at least until {until}", markup=False)
    if not rows:
        out().print(_nothing(loaded, model), markup=False)
        return
    rows = list(cut(rows, limit))
    out().print(f"challenger of {model}: {rows[0]['base']}, abstaining rule {rows[0]['rule']}", markup=False)
    print_table(_COLUMNS, map(_cells, rows), right=_COLUMNS[1:])
    out().print(_advice(rows))
    for row in warned:
        out().print(f"early warning: {drift_words(row)}", markup=False)


def _nothing(loaded: Loaded, model: str) -> str:
    settings = loaded.config.models.get(model)
    if settings is None or settings.challenger is None:
        return f"model {model} has no challenger: [models.{model}.challenger] in {loaded.path} adds one"
    return f"no labelled rows of {model} have reached its challenger yet"


def _cells(row: Mapping[str, Any]) -> list[object]:
    share = row["abstention_share"]
    return [
        row["window_start"],
        words.number(row["rows"]),
        _percent(row["production_error"]),
        _percent(row["challenger_error"]),
        "" if row["difference"] is None else _points(row["low"], row["high"]),
        "" if share is None else words.percent(share, 0),
        words.number(row["shed_rows"]),
    ]


def _percent(share: float | None) -> str:
    return "" if share is None else words.percent(share, 1)


def _points(low: float, high: float) -> str:
    return f"{100 * low:+.1f} to {100 * high:+.1f}"


def _advice(rows: Iterable[Mapping[str, Any]]) -> str:
    """Say in a sentence whether retraining is likely to help."""
    given = advice_of(map(_result, rows))
    if given is None:
        return "too few labelled rows to say whether retraining would help"
    heading = "retraining is likely to help" if given["high"] < 0 else "retraining alone may not help"
    production, challenger = words.percents(given["production_error"], given["challenger_error"])
    points = _points(given["low"], given["high"])
    return (
        f"{heading}: on these {given['rows']:,} rows production errs on {production}, "
        f"a model that kept learning on {challenger} (difference {points} points)"
    )


def _result(row: Mapping[str, Any]) -> ChallengerResult:
    figures = {name: row[name] or 0.0 for name in ("difference", "low", "high")}
    return ChallengerResult(
        model=row["model"],
        start_ms=int(row["window_start"].timestamp() * 1000),
        end_ms=int(row["window_end"].timestamp() * 1000),
        base=row["base"],
        rule=row["rule"],
        rows=row["rows"],
        production_errors=(row["production_error"] or 0.0) * row["rows"],
        challenger_errors=(row["challenger_error"] or 0.0) * row["rows"],
        scored_rows=row["scored_rows"],
        abstention_share=row["abstention_share"],
        shed_rows=row["shed_rows"],
        **figures,
    )
