"""`driftd check`: what is wrong with the configuration, what looks odd, what follows, what answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from detectors.budget import alpha
from monitor.cli.attempts import Attempt, State
from monitor.cli.connections import attempts
from monitor.cli.context import ConfigOption, Exit, JsonOption, configured, err, print_json
from monitor.cli.reading import print_line, waiting
from monitor.cli.routing import said, ways_of
from monitor.config import Alerts, Duration, Hint, Level, Loaded, Model, lint
from monitor.config.lines import locate
from monitor.config.schema import Limits
from monitor.config.section import shown as shown_place
from monitor.errors import ConfigError
from monitor.memory import DECODED, Memory, shown

_OF_SEGMENTS = ("level_of_segments", "level_of_segments_if_estimated")
_COLOURS = {State.OK: "green", State.NOTE: "yellow", State.FAILED: "red"}


def check(
    connect: Annotated[
        bool, typer.Option("--connect", help="Also try Kafka, the database and the alert services.")
    ] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Name every mistake in the configuration, what looks odd, and what follows from the settings.

    With --connect also try what it names: nothing is changed, and no message is sent.
    """
    if json:
        _for_machines(config, connect=connect)
        return
    loaded = configured(config)
    _summary(loaded)
    for hint in lint(loaded.config):
        _show_hint(hint, loaded)
    if not connect:
        err().print("to try Kafka, the database and the services too: driftd check --connect", style="dim")
        return
    failed = 0
    for attempt in _as_they_come(loaded):
        print_line(attempt.state, _COLOURS[attempt.state], f"{attempt.what}: {attempt.text}")
        failed += attempt.state is State.FAILED
    if loaded.config.alerts.services:
        err().print("to see an alert arrive: driftd notify test", style="dim")
    if failed:
        err().print(f"{failed} failed", style="red")
        raise typer.Exit(Exit.FAILED)


def _for_machines(config: Path | None, *, connect: bool) -> None:
    try:
        loaded = configured(config)
    except ConfigError as error:
        print_json({"valid": False, "mistakes": str(error).splitlines()})
        raise typer.Exit(Exit.USAGE) from None
    tried = list(attempts(loaded)) if connect else []
    print_json(
        {
            "valid": True,
            "config": str(loaded.path),
            "models": [
                _follows(name, model) | {"alerts": _told(name, loaded.config.alerts)}
                for name, model in loaded.config.models.items()
            ],
            "memory": _memory(loaded.config.limits),
            "hints": [_hint(hint, loaded) for hint in lint(loaded.config)],
            "connections": [{"what": one.what, "state": one.state, "text": one.text} for one in tried],
        }
    )
    if any(one.state is State.FAILED for one in tried):
        raise typer.Exit(Exit.FAILED)


def _told(name: str, alerts: Alerts) -> dict[str, Any]:
    ways = ways_of(name, alerts)
    return {
        "usual": [
            {"severity": severity, "shift": shift, "services": sorted(services)}
            for (severity, shift), services in ways.usual.items()
        ],
        "special": [
            {"route": number, "match": route.match, "services": sorted(route.to)}
            for number, route in ways.special.items()
        ],
    }


def _memory(limits: Limits) -> dict[str, int]:
    memory = Memory.of(limits)
    return {**asdict(memory), "at_most_bytes": memory.at_most_bytes}


def _hint(hint: Hint, loaded: Loaded) -> dict[str, Any]:
    return {
        "severity": hint.severity,
        "path": hint.path,
        "line": _line(hint.path, loaded.text),
        "text": hint.text,
    }


def _follows(name: str, model: Model) -> dict[str, Any]:
    """Give what the settings mean: the window lengths, and at which level each is judged.

    Whether performance will be estimated is the reference's to say: both cases are told.
    """
    shares, estimated = (model.budget_shares(is_estimated=each) for each in (False, True))
    of_segments = [each * len(model.multiples) for each in (shares, estimated)] if model.segments else []
    lengths = [
        {
            "length": str(Duration(model.window.ms * multiple)),
            "level": alpha(model.budget, model.window.seconds, multiple, shares),
            "level_if_estimated": alpha(model.budget, model.window.seconds, multiple, estimated),
            **{
                key: alpha(model.budget, model.window.seconds, multiple, each)
                for key, each in zip(_OF_SEGMENTS, of_segments, strict=False)
            },
        }
        for multiple in model.multiples
    ]
    return {
        "model": name,
        "topics": model.topics,
        "labels_topics": model.labels_topics,
        "false_alarms": model.false_alarms,
        "budget_shares": shares,
        "budget_shares_if_estimated": estimated,
        "windows": lengths,
        "segments": model.segments,
        "max_segments": model.max_segments,
    }


def _summary(loaded: Loaded) -> None:
    print_line("ok", "green", f"{loaded.path}: no mistakes")
    for name, model in loaded.config.models.items():
        longest = Duration(model.window.ms * model.multiples[-1])
        longer = f", and 2, 4 ... of them up to {longest}" if len(model.multiples) > 1 else ""
        text = (
            f"{name}: reads {', '.join(model.topics)}{_waiting(model)}; windows of {model.window}{longer}; "
            f"false alarms to be expected: at most {model.false_alarms}"
        )
        print_line("model", "bold", text)
        for way in said(ways_of(name, loaded.config.alerts)) if loaded.config.alerts.routes else ():
            print_line("alerts", "bold", f"of {name}: {way}")
    memory = Memory.of(loaded.config.limits)
    text = (
        f"at most about {shown(memory.at_most_bytes)} a process: "
        f"{shown(memory.program_bytes)} for the program, "
        f"{shown(memory.window_bytes)} for counts of open windows (limits.window_bytes), "
        f"{shown(memory.message_bytes)} for messages in work ({DECODED} x limits.batch_bytes)"
    )
    print_line("memory", "bold", text)


def _waiting(model: Model) -> str:
    """Say where labels come from and how long they are waited for; nothing for a model without labels."""
    if not model.labels_topics:
        return ""
    share = f"{100 * model.labels_share:.4g} %"
    return (
        f", labels from {', '.join(model.labels_topics)} (judged when {share} of a window's rows have one, "
        f"or {model.labels_wait} after its end; too late after {model.labels_horizon})"
    )


def _show_hint(hint: Hint, loaded: Loaded) -> None:
    is_warning = hint.severity is Level.WARNING
    line = _line(hint.path, loaded.text)
    where = f"{loaded.path.name}{'' if line is None else f':{line}'}: {hint.path}"
    print_line(hint.severity, "yellow" if is_warning else "cyan", f"{where}: {hint.text}")


def _line(path: str, text: str) -> int | None:
    """Give the line of a key, or of the nearest table around it that the file has."""
    lines = {shown_place(place): line for place, line in locate(text).items()}
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path)


def _as_they_come(loaded: Loaded) -> Iterator[Attempt]:
    """Give each answer at once; while one is waited for, a terminal shows it, and nothing else is printed."""
    answers = attempts(loaded)
    while True:
        with waiting("trying what the configuration names"):
            attempt = next(answers, None)
        if attempt is None:
            return
        yield attempt
