"""`driftd map test`: what the configuration makes of sample messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from detectors.dictionary import Dictionary
from detectors.reference_wire import decode
from monitor.cli.context import (
    ConfigOption,
    Exit,
    JsonOption,
    configured,
    database,
    err,
    model_of,
    out,
    print_json,
    print_table,
    shown,
)
from monitor.clock import SystemClock
from monitor.compile import decoder_of, registry_of
from monitor.config import Loaded
from monitor.dictionaries import read_dictionary
from monitor.errors import ConfigError, DataError
from monitor.layouts import labels_layout_of, layout_of
from monitor.mapping import Fate, Mapper, Row
from monitor.references import inferred
from monitor.registry.values import values_of
from monitor.samples import sample_messages
from monitor.source.base import Message

app = typer.Typer(name="map", help="What the configuration makes of messages.", no_args_is_help=True)

_WORDS = {
    "half": "is half of a call: both halves together make a row",
    "reject": "is rejected",
    "filtered": "is passed over by fields.when",
    "tombstone": "has no value: counted as a tombstone",
    "another_model": "names another model: passed over",
}


@app.command("test")
def try_out(
    file: Annotated[
        Path, typer.Option("--file", "-f", help="Sample messages: one a line, or one JSON document.")
    ],
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="The model; may be left out when there is one.")
    ] = None,
    labels: Annotated[bool, typer.Option("--labels", help="Read them as messages of labels_topics.")] = False,
    dictionary: Annotated[
        Path | None, typer.Option(help="A data dictionary, instead of that of the reference in force.")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask no database: infer the types from the sample.")
    ] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show the rows that come out of sample messages, and where each value is from, or why a message is none.

    Nothing is written. The exit code is 1 when a message is rejected.
    """
    loaded = configured(config)
    name = _name(loaded, model)
    messages = sample_messages(file)
    known = _dictionary(loaded, name, messages, dictionary, offline=offline)
    mapper = _mapper(loaded, name, known, labels=labels)
    now = SystemClock().now()
    fates = mapper.fates(messages, now)
    if json:
        print_json({"model": name, "topic": mapper.topic, "messages": list(map(_for_machines, fates))})
    else:
        _show(fates)
    if any(fate.outcome == "reject" for fate in fates):
        raise typer.Exit(Exit.FAILED)


def _name(loaded: Loaded, model: str | None) -> str:
    models = list(loaded.config.models)
    if model is None and len(models) != 1:
        raise ConfigError(f"{loaded.path}: say which model with --model (models: {', '.join(models)})")
    name = models[0] if model is None else model
    model_of(loaded, name)
    return name


def _dictionary(
    loaded: Loaded, model: str, messages: Sequence[Message], file: Path | None, *, offline: bool
) -> Dictionary:
    if file is not None:
        return read_dictionary(file)
    if offline:
        settings = loaded.config.models[model]
        read_value = values_of(settings.fields.format, registry_of(loaded.config))
        return inferred(settings, model, messages, read_value)
    name = loaded.config.reference_name(model)
    row = database(loaded).active_reference(name)
    if row is None:
        raise DataError(
            f"model {name} has no reference in force, which knows the types of its features: build it with "
            f"driftd reference build {name} FILE, or give --dictionary FILE, or --offline"
        )
    return decode(row.payload).dictionary


def _mapper(loaded: Loaded, name: str, dictionary: Dictionary, *, labels: bool) -> Mapper:
    settings, limits = loaded.config.models[name], loaded.config.limits
    origins: dict[str, str] = {}
    if labels:
        layout = labels_layout_of(name, settings, dictionary)
        if layout is None:
            raise ConfigError(f"models.{name}.labels_topics: is empty: there are no messages of labels")
        topic, section = settings.labels_topics[0], "labels_fields"
        origins = settings.labels_fields.origins(settings.fields)
    else:
        layout = layout_of(name, settings.fields.resolved(name), dictionary, settings.shared_topics)
        topic, section = settings.topics[0], "fields"
        origins = settings.fields.origins(layout.features)
    bounds = limits.max_message_bytes, limits.max_rows_per_message
    decoder = decoder_of(name, section, layout, settings, *bounds, registry_of(loaded.config))
    return Mapper(decoder, layout, topic, origins)


def _for_machines(fate: Fate) -> dict[str, Any]:
    return {
        "outcome": fate.outcome,
        "reason": fate.reason or None,
        "detail": fate.detail or None,
        "rows": [
            {"values": [asdict(value) for value in row.values], "unknown_keys": row.unknown}
            for row in fate.rows
        ],
    }


def _show(fates: Sequence[Fate]) -> None:
    for number, fate in enumerate(fates, 1):
        if fate.outcome != "row":
            why = f": {fate.reason}: {fate.detail}" if fate.reason else ""
            out().print(shown(f"message {number} {_WORDS[fate.outcome]}{why}"), markup=False)
            continue
        for row_number, row in enumerate(fate.rows, 1):
            many = f", row {row_number} of {len(fate.rows)}" if len(fate.rows) > 1 else ""
            out().print(f"message {number}{many}", markup=False)
            _show_row(row)
    rows, rejects = sum(len(fate.rows) for fate in fates), sum(fate.outcome == "reject" for fate in fates)
    err().print(f"messages: {len(fates)}, rows: {rows}, rejected: {rejects}", style="dim")


def _show_row(row: Row) -> None:
    cells = [
        (each.name, each.value if each.state == "present" else each.state.replace("_", " "), each.origin)
        for each in row.values
    ]
    print_table(("name", "value", "from"), cells)
    if row.unknown:
        told = ", ".join(map(shown, row.unknown))
        out().print(f"not in the dictionary: {told}", markup=False)
