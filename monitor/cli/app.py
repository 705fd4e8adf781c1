"""All commands in one place, and what happens when one fails."""

from __future__ import annotations

import sys
from typing import Any

import typer

from monitor.cli import (
    backtest,
    calibrate,
    challenger,
    check,
    compare,
    completion,
    database,
    demo,
    dictionary,
    dictionary_commands,
    export,
    history,
    manual,
    mapping,
    notify,
    promote,
    reference,
    replay,
    run,
    silence,
    status,
)
from monitor.cli.context import SECRETS, Exit, close_stores, err, shown
from monitor.errors import ConfigError, DriftdError
from monitor.uncaught import say
from monitor.version import VERSION

app = typer.Typer(
    name="driftd",
    help="Finds drift and broken data in what models log to Kafka; results in SQL, alerts in Slack and mail.",
    no_args_is_help=True,
    add_completion=False,  # Typer's would start Python at every TAB
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("check")(check.check)
app.add_typer(reference.app, name="reference")
for command in (*dictionary_commands.COMMANDS, promote.promote):
    dictionary.app.command(command.__name__)(command)
app.add_typer(dictionary.app, name="dictionary")
app.command("calibrate")(calibrate.calibrate_command)
app.command("replay")(replay.replay)
app.command("demo")(demo.demo)
app.command("dev-broker")(demo.dev_broker)
app.command("status")(status.status)
app.command("history")(history.history)
app.command("compare")(compare.compare)
app.command("backtest")(backtest.backtest_command)
app.command("alerts")(history.alerts)
app.add_typer(export.app, name="export")
app.add_typer(mapping.app, name="map")
app.add_typer(challenger.app, name="challenger")
app.add_typer(silence.app, name="silence")
app.add_typer(notify.app, name="notify")
app.add_typer(database.app, name="db")
app.command("completion")(completion.completion)
app.command("man")(manual.man)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"driftd {VERSION}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(  # eager: handled by the callback
        False, "--version", callback=_version, is_eager=True, help="Print the version and stop."
    ),
) -> None:
    """Find drift and broken data in what models log to Kafka; results in SQL, alerts in Slack and mail."""


def main(arguments: list[str] | None = None) -> Any:
    """Run one command; errors that driftd foresees are printed in one piece, without a traceback."""
    try:
        app(arguments)
    except ConfigError as error:
        _say(error)
        sys.exit(Exit.USAGE)
    except DriftdError as error:
        _say(error)
        sys.exit(Exit.FAILED)
    except Exception as error:  # noqa: BLE001  # a mistake of driftd's own: its traceback may quote a secret
        say(error, SECRETS)
        sys.exit(Exit.FAILED)
    finally:
        close_stores()


def _say(error: DriftdError) -> None:
    lines = str(error).split("\n")  # may quote what the database or a broker holds
    err().print(f"driftd: {chr(10).join(map(shown, lines))}", markup=False)
