"""All commands in one place, and what happens when one fails."""

from __future__ import annotations

import sys
from typing import Any

import typer

from monitor.cli.context import SECRETS, Exit, close_stores, err, shown
from monitor.cli.later import Later, group_of
from monitor.errors import ConfigError, DriftdError
from monitor.uncaught import say
from monitor.version import VERSION

COMMANDS = (
    Later("run", "run", "run", "Read, judge, write and alert until told to stop."),
    Later("check", "check", "check", "Name every mistake in the configuration, and what follows."),
    Later("reference", "reference", "app", "References: what models' data is compared with."),
    Later("dictionary", "dictionaries", "app", "Data dictionaries: what features are, and may be."),
    Later("calibrate", "calibrate", "calibrate_command", "Tell which features break the tests' assumptions."),
    Later("replay", "replay", "replay", "Judge the windows of files as `driftd run` would have."),
    Later("demo", "demo", "demo", "Show the whole of driftd here in under a minute."),
    Later("dev-broker", "demo", "dev_broker", "Run a small broker in memory that speaks Kafka's protocol."),
    Later("status", "status", "status", "Show how far each model is judged and each partition read."),
    Later("history", "history", "history", "Show what was found in which window, newest first."),
    Later("compare", "compare", "compare", "Compare stretches of history, or one with the reference."),
    Later("backtest", "backtest", "backtest_command", "Judge stored windows again by changed settings."),
    Later("alerts", "history", "alerts", "Show the alerts that are open, the loudest first."),
    Later("export", "export", "app", "What driftd knows, in the words of other tools."),
    Later("map", "mapping", "app", "What the configuration makes of messages."),
    Later("experiment", "experiment", "experiment", "How a model's variants on one stream compare."),
    Later("challenger", "challenger", "app", "The model that learns beside the one in production."),
    Later("silence", "silence", "app", "Alerts that nobody is told about for a while."),
    Later("notify", "notify", "app", "Whether alerts would arrive."),
    Later("db", "database", "app", "The results database."),
    Later("completion", "completion", "completion", "Print what completes commands and files in a shell."),
    Later("man", "manual", "man", "Print the manual page, in the form that man reads."),
)

app = typer.Typer(
    name="driftd",
    cls=group_of(COMMANDS),
    help="Finds drift and broken data in what models log to Kafka; results in SQL, alerts in Slack and mail.",
    no_args_is_help=True,
    add_completion=False,  # Typer's would start Python at every TAB
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
