"""`driftd notify`: whether alerts would arrive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated

import typer

from alerts.notice import Context, Notice
from alerts.outgoing import Message, Reason
from alerts.payload import payload
from alerts.render import render
from monitor.cli.context import ConfigOption, Exit, JsonOption, configured, print_json, shown
from monitor.cli.reading import print_line, waiting
from monitor.cli.services import sender_for
from monitor.clock import SystemClock
from monitor.config import Config, Loaded
from monitor.config.section import nearest
from monitor.errors import ConfigError

app = typer.Typer(name="notify", help="Whether alerts would arrive.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Whether alerts would arrive."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one test message. ``error`` holds no secrets."""

    service: str
    ok: bool
    error: str = ""


@app.command("test")
def send_test(
    services: Annotated[
        list[str] | None,
        typer.Argument(help="As in [alerts.services]; all unless given.", show_default=False),
    ] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Send a message that is marked as a test to alert services, now and without the database.

    Fails when a service did not take it.
    """
    loaded = configured(config)
    message = _message(loaded.config)
    results = []
    for name in _chosen(loaded, services or []):
        with waiting(f"sending to {shown(name)}"):
            results.append(_try(loaded, name, message))
        if not json:
            _show(results[-1])
    if json:
        print_json([asdict(result) for result in results])
    if not all(result.ok for result in results):
        raise typer.Exit(Exit.FAILED)


def _chosen(loaded: Loaded, wanted: Sequence[str]) -> list[str]:
    known = loaded.config.alerts.services
    if not known:
        raise ConfigError(
            f"{loaded.path}: [alerts.services] is empty, so nobody is told of alerts: add a service, "
            'like oncall = { env = "DRIFTD_SLACK_URL" }'
        )
    for name in wanted:
        if name not in known:
            raise ConfigError(
                f'{loaded.path}: there is no service "{name}"{nearest(name, known)} '
                f"(known: {', '.join(known)})"
            )
    return list(dict.fromkeys(wanted or known))


def _message(config: Config) -> Message:
    name = next(iter(config.models)) if len(config.models) == 1 else "driftd"
    notice = Notice(name, Reason.TEST, context=Context(links=config.alerts.links.of_model(name)))
    return replace(render(notice), payload=payload(notice, f"test={name}", 0.0))


def _try(loaded: Loaded, name: str, message: Message) -> Tried:
    try:
        outcome = sender_for(loaded, name).send(name, message, SystemClock().now())
    except ConfigError as error:
        return Tried(name, ok=False, error=str(error))
    return Tried(name, outcome.ok, outcome.error)


def _show(result: Tried) -> None:
    why = f": {result.error}" if result.error else ""
    print_line("sent" if result.ok else "failed", "green" if result.ok else "red", result.service + why)
