"""`driftd db`: the schema of the results database."""

from __future__ import annotations

import typer

from monitor.cli.context import ConfigOption, configured, database, out

app = typer.Typer(name="db", help="The results database.", no_args_is_help=True)


@app.command("upgrade")
def upgrade(config: ConfigOption = None) -> None:
    """Bring the schema to this version; safe when several processes do it at once."""
    store = database(configured(config), checked=False)
    store.upgrade_schema()
    store.check_schema()
    out().print("the schema is up to date")


@app.command("check")
def check(config: ConfigOption = None) -> None:
    """Fail unless the schema is the one this version needs."""
    database(configured(config), checked=False).check_schema()
    out().print("the schema is up to date")
