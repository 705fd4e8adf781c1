"""`driftd dictionary`: what the features of a model are, and what their values may be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from detectors.dictionary_file import to_toml
from monitor.bridges.building import roles_of
from monitor.bridges.descriptions import KNOWN, imported
from monitor.cli.context import ConfigOption, configured, err, model_of, out

app = typer.Typer(
    name="dictionary", help="Data dictionaries: what the values of a model's features may be.",
    no_args_is_help=True,
)  # fmt: skip


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help=f"A description in another tool's words: {KNOWN}.")],
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="Whose outputs get their roles, as in the configuration."),
    ] = None,
    object_name: Annotated[
        str | None, typer.Option("--object", help="Of a data contract with several objects, the one to read.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Print another tool's description of data as a data dictionary, and name what it cannot take over."""
    roles = {} if model is None else roles_of(model_of(configured(config), model), model)
    read = imported(file, roles, object_name)
    for line in read.left_out:
        err().print(f"not taken over: {line}", markup=False)
    out().print(to_toml(read.dictionary), markup=False)
