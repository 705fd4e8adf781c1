"""`driftd silence`: alerts that nobody is told about for a while."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from alerts.model import Status
from alerts.mute import Matcher, Silence, silenced
from monitor.cli.context import ConfigOption, JsonOption, as_rows, err, out, print_json, print_table, shown
from monitor.cli.findings import alert_of
from monitor.cli.reading import opened
from monitor.clock import SystemClock
from monitor.config import Duration, Loaded
from monitor.config.alerting import MATCHABLE, VALUES, none_of
from monitor.config.section import nearest
from monitor.errors import ConfigError, DataError
from monitor.store.base import Store

app = typer.Typer(name="silence", help="Alerts that nobody is told about for a while.", no_args_is_help=True)

_MATCHER = re.compile(r"\s*([^=~!<>\s]*)\s*(=~|==|!=|!~|=)\s*(.*?)\s*", re.DOTALL)
_HOW = 'write label=value, or label=~"pattern" for a regular expression, like model=churn'
_COLUMNS = ("id", "state", "matchers", "until", "by", "comment")


@app.command("add")
def add(
    matchers: Annotated[
        list[str],
        typer.Argument(help='model=churn, feature=~"car_.*" ...; an alert is silenced when all match.'),
    ],
    length: Annotated[str, typer.Option("--for", help="How long from now: 30m, 4h, 7d.")],
    comment: Annotated[str, typer.Option(help="Why, for whoever wonders.")],
    by: Annotated[str | None, typer.Option(help="Who; $USER unless given.", show_default=False)] = None,
    config: ConfigOption = None,
) -> None:
    """Silence the alerts whose labels match, from now on; their results are written all the same.

    Labels: model, shift, feature, check, segment, severity, owner. Each pattern has to match the whole value.
    """
    now = SystemClock().now()
    author = by or os.environ.get("USER") or "unknown"
    silence = _silence([matcher(text) for text in matchers], now, _duration(length), author, comment)
    with opened(config) as (loaded, store):
        _warn_of_models(loaded, silence)
        silence_id = store.add_silence(silence)
        quiet = _quiet(store, silence, now)
    until = f"{silence.ends_at:%Y-%m-%d %H:%M} UTC"
    out().print(f"silence {silence_id} until {until}: {shown(_words(silence))}", markup=False)
    out().print(f"open alerts that it silences now: {quiet}")
    err().print(f"to end it earlier: driftd silence expire {silence_id}", style="dim")


def matcher(text: str) -> Matcher:
    """Read ``label=value`` or ``label=~"pattern"``; raises ConfigError."""
    found = _MATCHER.fullmatch(text)
    if found is None:
        raise ConfigError(f"{text!r} is no matcher: {_HOW}")
    name, sign, value = found.groups()
    if sign.startswith("!"):
        raise ConfigError(f"{text!r}: a silence cannot say what it leaves out; {_HOW}")
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    is_regex = sign == "=~"
    if name not in MATCHABLE:
        raise ConfigError(
            f'{text!r}: alerts have no label "{name}"{nearest(name, MATCHABLE)} '
            f"(known: {', '.join(MATCHABLE)})"
        )
    if not is_regex and value not in VALUES.get(name, (value,)):
        raise ConfigError(f"{text!r}: {none_of(value, VALUES[name])}")
    try:
        return Matcher(name, value, is_regex)
    except ValueError as error:
        raise ConfigError(f"{text!r}: {error}") from None


def _duration(text: str) -> timedelta:
    try:
        span = Duration.parse(text)
    except ValueError as error:
        raise ConfigError(f"--for: {error}") from None
    if not span.ms:
        raise ConfigError("--for 0 would silence nothing: write how long, like 4h")
    return span.delta


def _silence(
    matchers: Iterable[Matcher], now: datetime, length: timedelta, author: str, comment: str
) -> Silence:
    try:
        return Silence(None, tuple(matchers), now, now + length, author, comment)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def _warn_of_models(loaded: Loaded, silence: Silence) -> None:
    for one in silence.matchers:
        if one.name == "model" and not one.is_regex and one.value not in loaded.config.models:
            hint = nearest(one.value, loaded.config.models)
            err().print(f'{loaded.path}: there is no model "{one.value}"{hint}', style="yellow", markup=False)


def _quiet(store: Store, silence: Silence, now: datetime) -> int:
    """Count the alerts that would speak but for this silence."""
    rows = store.view("alert_history", where={"status": str(Status.FIRING)})
    return sum(silenced(alert_of(row), (silence,), now) is not None for row in rows)


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List the silences that hold now or will, by when they end."""
    now = SystemClock().now()
    with opened(config) as (_, store):
        kept = [silence for silence in store.silences() if everything or silence.ends_at > now]
    rows = [_row(silence, now) for silence in sorted(kept, key=lambda silence: silence.ends_at)]
    if json:
        print_json(rows)
    elif not rows:
        out().print("no silences" if everything else "no silences; --all shows those that are over")
    else:
        print_table(_COLUMNS, as_rows(rows, _COLUMNS), right=("id",))


def _row(silence: Silence, now: datetime) -> dict[str, Any]:
    state = "active" if silence.is_active(now) else "over" if silence.ends_at <= now else "to come"
    return {
        "id": silence.id,
        "state": state,
        "matchers": _words(silence),
        "since": silence.starts_at,
        "until": silence.ends_at,
        "by": silence.created_by,
        "comment": silence.comment,
    }


def _words(silence: Silence) -> str:
    """Give the matchers as they are typed."""
    return " ".join(f"{m.name}=~{m.value}" if m.is_regex else f"{m.name}={m.value}" for m in silence.matchers)


@app.command("expire")
def expire(
    silence_id: Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="As in `driftd silence list`.")],
    config: ConfigOption = None,
) -> None:
    """End a silence now; what still fires and nobody was told of is told then."""
    with opened(config) as (_, store):
        if not store.expire_silence(silence_id, SystemClock().now()):
            raise DataError(
                f"there is no silence {silence_id}, or it is over already; list them: driftd silence list"
            )
    out().print(f"silence {silence_id} is over")
