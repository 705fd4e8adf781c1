"""`driftd history` and `driftd alerts`: what was found, and what people are told of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from alerts.lifecycle import LOUDNESS
from alerts.model import Severity, Status
from alerts.mute import silenced
from detectors.result import Shift, Verdict
from monitor.cli.context import ConfigOption, JsonOption, out, print_json, print_table
from monitor.cli.findings import alert_of, subject
from monitor.cli.history_tables import finding_table, label_table, performance_table, window_table
from monitor.cli.reading import LimitOption, ModelOption, cut, for_machines, known_model, moment, opened
from monitor.clock import SystemClock
from monitor.config import Loaded
from monitor.errors import ConfigError
from monitor.store.base import Store, View

NEWS = (Verdict.DRIFT, Verdict.FAIL, Verdict.ERROR, Verdict.WARN)
"""Verdicts that say something happened, worst first; the others are shown when asked for."""
_RANK = {verdict: place for place, verdict in enumerate((*NEWS, Verdict.INCONCLUSIVE, Verdict.OK))}


class Kind(StrEnum):
    """What history is of."""

    DRIFT = "drift"
    QUALITY = "quality"
    PERFORMANCE = "performance"
    WINDOWS = "windows"
    LABELS = "labels"


_VIEWS: dict[Kind, View] = {
    Kind.DRIFT: "drift_history",
    Kind.QUALITY: "quality_history",
    Kind.PERFORMANCE: "performance_history",
    Kind.WINDOWS: "window_history",
    Kind.LABELS: "label_history",
}
_COUNTS = frozenset({Kind.WINDOWS, Kind.LABELS})
"""Kinds that count and judge nothing."""


def history(
    model: ModelOption = None,
    feature: Annotated[
        str | None, typer.Option("--feature", "-f", help="Only this feature, or metric.")
    ] = None,
    segment: Annotated[
        str | None, typer.Option(help='Only this segment, like country=DE; "" for the whole log.')
    ] = None,
    shift: Annotated[
        Shift | None, typer.Option(help="Only this shift; leaves quality and performance out.")
    ] = None,
    verdict: Annotated[
        list[Verdict] | None, typer.Option(help="Only this verdict; repeatable. [drift, fail, error, warn]")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every verdict, ok and inconclusive too.")
    ] = False,
    since: Annotated[
        str | None, typer.Option(help="Windows from then on: 2019-03-31, 2019-03-31T06:00, or ago: 7d, 12h.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Windows that began before then, written alike.")] = None,
    kind: Annotated[
        Kind | None, typer.Option(help="One kind; without it, drift, broken data and performance together.")
    ] = None,
    limit: LimitOption = 50,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show what was found in which window, newest first; without options, what is worth a look.

    `--kind performance` shows every metric, known from labels or estimated without, whatever its verdict.
    Times are event time, UTC. A window is listed by its beginning: a longer one that ends now began earlier.
    """
    now = SystemClock().now()
    is_table = kind is Kind.PERFORMANCE and not verdict
    verdicts = _verdicts(verdict or [], everything=everything or is_table)
    kinds = _kinds(kind, shift, is_of_findings=bool(feature or verdict or everything))
    asked = {"feature": feature, "shift": shift, "segment": segment}
    equal = {name: str(value) for name, value in asked.items() if value is not None}
    since_at, until_at = moment("--since", since, now), moment("--until", until, now)
    with opened(config) as (loaded, store):
        model = known_model(loaded, store, model)
        rows = [
            {"kind": each, **row}
            for each in kinds
            for row in _rows(store, each, model, equal, verdicts, since_at, until_at, limit + 1)
        ]
    rows.sort(key=_order)
    if json:
        print_json([for_machines(row) for row in cut(rows, limit)])
    elif not rows:
        is_all = everything or is_table
        out().print(_nothing(everything=is_all or not _COUNTS.isdisjoint(kinds)), markup=False)
    else:
        told = {"with_model": _tells_models(loaded, model), "one": feature is not None}
        _table(cut(rows, limit), kinds, **told)


def _verdicts(wanted: Sequence[Verdict], *, everything: bool) -> tuple[Verdict | None, ...]:
    """Give the verdicts to ask for; None stands for any."""
    if wanted and everything:
        raise ConfigError("--all and --verdict contradict each other: give one of them")
    return (None,) if everything else tuple(wanted) or NEWS


def _kinds(kind: Kind | None, shift: Shift | None, *, is_of_findings: bool) -> tuple[Kind, ...]:
    if shift is not None and kind not in {None, Kind.DRIFT}:
        raise ConfigError(f"--shift {shift} is for --kind drift: {kind} has no shift")
    if kind in _COUNTS and is_of_findings:
        raise ConfigError(f"--kind {kind} has neither features nor verdicts: leave the other options out")
    if shift is not None:
        return (Kind.DRIFT,)
    return (Kind.DRIFT, Kind.QUALITY, Kind.PERFORMANCE) if kind is None else (kind,)


def _rows(
    store: Store,
    kind: Kind,
    model: str | None,
    equal: Mapping[str, str],
    verdicts: Iterable[Verdict | None],
    since: datetime | None,
    until: datetime | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Ask once per verdict, as views are filtered by equality; each answer alone may fill the limit."""
    verdicts = (None,) if kind in _COUNTS else verdicts
    if kind is Kind.PERFORMANCE and "feature" in equal:
        equal = {"metric" if name == "feature" else name: value for name, value in equal.items()}
    found = []
    for verdict in verdicts:
        where = dict(equal) if verdict is None else {**equal, "verdict": str(verdict)}
        found += store.view(_VIEWS[kind], model=model, since=since, until=until, where=where, limit=limit)
    return found


def _order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Newest first; within a window the worst first."""
    rank = _RANK.get(row.get("verdict", ""), 0)
    length_s = (row["window_end"] - row["window_start"]).total_seconds()
    return (-row["window_start"].timestamp(), row["model"], length_s, rank, -(row.get("effect") or 0.0))


def _nothing(*, everything: bool) -> str:
    return "nothing found" if everything else "nothing found that drifted or broke; --all shows every verdict"


def _tells_models(loaded: Loaded, model: str | None) -> bool:
    return model is None and len(loaded.config.models) != 1


def _table(rows: Sequence[Mapping[str, Any]], kinds: Sequence[Kind], *, with_model: bool, one: bool) -> None:
    """Print the rows; ``one`` says that all are of one feature, so of one metric."""
    if kinds == (Kind.WINDOWS,):
        window_table(rows, with_model=with_model)
    elif kinds == (Kind.LABELS,):
        label_table(rows, with_model=with_model)
    elif kinds == (Kind.PERFORMANCE,):
        performance_table(rows, with_model=with_model, is_one_metric=one)
    else:
        finding_table(rows, with_model=with_model)


def alerts(
    model: ModelOption = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Those that are over, too; newest first.")
    ] = False,
    limit: LimitOption = 50,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show the alerts that are open, the loudest first; a pending one has not lasted long enough to fire.

    Times are event time, UTC.
    """
    with opened(config) as (loaded, store):
        model = known_model(loaded, store, model)
        wanted = [None] if everything else [Status.FIRING, Status.PENDING]
        rows = [row for status in wanted for row in _alerts(store, model, status, limit + 1)]
        silences = store.silences()
    now = SystemClock().now()
    for row in rows:
        silence = silenced(alert_of(row), silences, now) if row["status"] != Status.RESOLVED else None
        row["silenced_by"] = None if silence is None else silence.id
    if not everything:
        rows.sort(key=lambda row: (-LOUDNESS[Severity(row["severity"])], -row["opened_at"].timestamp()))
    if json:
        print_json([for_machines(row) for row in cut(rows, limit)])
    elif not rows:
        out().print("no alerts yet" if everything else "no open alerts; --all shows those that are over")
    else:
        _alert_table(cut(rows, limit), with_model=_tells_models(loaded, model))


def _alerts(store: Store, model: str | None, status: Status | None, limit: int) -> list[dict[str, Any]]:
    where = {} if status is None else {"status": str(status)}
    return store.view("alert_history", model=model, where=where, limit=limit)


def _alert_table(rows: Iterable[Mapping[str, Any]], *, with_model: bool) -> None:
    columns = ["since", *(["model"] if with_model else []), "feature", "severity", "status", "what"]
    print_table(
        columns,
        [
            [
                row["opened_at"],
                *([row["model"]] if with_model else []),
                subject(row),
                row["severity"],
                row["status"] if row["silenced_by"] is None else "silenced",
                row["summary"],
            ]
            for row in rows
        ],
    )
