"""`driftd status`: how the service is doing, from what it has written into the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.text import Text

from alerts import words
from alerts.lifecycle import LOUDNESS
from alerts.model import Severity, Status
from detectors.result import Shift, Verdict
from monitor.cli.condition import Signs, Word, condition_of, limits_of, worst_of
from monitor.cli.context import ConfigOption, JsonOption, out, print_json, print_table, shown
from monitor.cli.reading import age, for_machines, opened
from monitor.cli.watching import pause_s, watched
from monitor.clock import SystemClock
from monitor.config import Config, Model
from monitor.store.base import Store

_MODEL_COLUMNS = ("model", "judged until", "rows", "open alerts", "moved most")
_LABEL_COLUMNS = ("model", "published until", "labels", "learned until")
_COLUMNS = ("partition", "next", "lag", "event time", "last read", "state")

MOST_NAMED = 5


def status(
    json: JsonOption = False,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Show it again and again, until Ctrl-C.")
    ] = False,
    every: Annotated[str, typer.Option("--every", help="With --watch: how often, 1s at least.")] = "5s",
    config: ConfigOption = None,
) -> None:
    """Show how far each model is judged and each partition read, from the database alone.

    With labels: up to which window results on them are published, how many labels the last of these windows
    has, and until when detectors that step through labelled rows have learned what became known.
    Each partition's reader writes every ten seconds how far it has come. OK: it does, and what waits does not
    grow. WARN: what waits grows; or event time is more than a window behind; or nothing came for two windows
    (an hour at least), or the model's `freshness`, or for labels their `labels_wait`. REWIND: the position
    went back in the last three minutes. STALL: messages wait, and none was read for a minute. STOP: no
    process has written for two minutes, so none reads the partition. --json also names the processes, and
    gives each model the state of its worst partition. With --watch, a terminal is drawn anew each time; in a
    pipe one follows the other, with --json one a line.
    """
    clock, seconds = SystemClock(), pause_s(every)
    with opened(config) as (loaded, store):
        if not watch:
            _show(_seen(loaded.config, store, clock.now()), json=json)
            return

        def show(seen: _Seen) -> None:
            if not json:
                out().print(f"{seen.at:%Y-%m-%d %H:%M:%S} UTC, every {every}; Ctrl-C ends it\n")
            _show(seen, json=json, indent=None)

        watched(lambda: _seen(loaded.config, store, clock.now()), show, seconds, clock)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was found at a time."""

    at: datetime
    models: list[dict[str, Any]]
    partitions: list[dict[str, Any]]


def _seen(config: Config, store: Store, now: datetime) -> _Seen:
    partitions = _partitions(config, store, now)
    return _Seen(now, _models(config, store, partitions), partitions)


def _show(seen: _Seen, *, json: bool, indent: int | None = 2) -> None:
    models, partitions = seen.models, seen.partitions
    if json:
        told = [for_machines({key: row[key] for key in row if key != "recent"}) for row in partitions]
        print_json({"at": seen.at, "models": models, "partitions": told}, indent)
        return
    print_table(_MODEL_COLUMNS, [_model_cells(row) for row in models], right=("rows",))
    out().print()
    if any(row["labels"] for row in models):
        print_table(_LABEL_COLUMNS, [_label_cells(row) for row in models if row["labels"]])
        out().print()
    if not partitions:
        out().print("no partition has been read yet: start driftd run")
        return
    _partition_table(partitions, with_model=len(models) > 1)
    _explain(partitions)


def _models(config: Config, store: Store, partitions: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give one row per configured model; blank where nothing is known yet."""
    known = {row["model"]: row for row in store.view("models")}
    return [
        {
            "model": name,
            "state": worst_of(row["state"] for row in partitions if row["model"] == name),
            "judged_until": known.get(name, {}).get("closed_until"),
            "reference_id": known.get(config.reference_name(name), {}).get("reference_id"),
            "open_alerts": _open_alerts(store, name),
            **_latest(store, name),
            "labels": _labels(store, name, settings) if settings.labels_topics else None,
        }
        for name, settings in config.models.items()
    ]


def _open_alerts(store: Store, name: str) -> dict[str, int]:
    """Count firing alerts by severity, the loudest first."""
    rows = store.view("alert_history", model=name, where={"status": str(Status.FIRING)})
    counted = Counter(Severity(row["severity"]) for row in rows)
    return {str(severity): counted[severity] for severity in sorted(counted, key=lambda s: -LOUDNESS[s])}


def _latest(store: Store, name: str) -> dict[str, Any]:
    """Describe the latest judged window: its rows, and the feature that moved most there."""
    windows = (row for row in store.view("window_history", model=name, limit=10) if row["closed_at"])
    window = next(windows, None)
    if window is None:
        return {"window_start": None, "rows": None, "worst": None}
    start = window["window_start"]
    tests = store.view(
        "drift_history", model=name, where={"multiple": 1}, since=start, until=window["window_end"]
    )
    moved = [
        row
        for row in tests
        if row["effect"] is not None and row["window_start"] == start and row["shift"] != Shift.CONCEPT
    ]
    worst = max(moved, key=lambda row: (row["verdict"] == Verdict.DRIFT, row["effect"]), default=None)
    about = ("feature", "effect", "verdict")
    told = None if worst is None else {key: worst[key] for key in about}
    return {"window_start": start, "rows": window["rows"], "worst": told}


def _labels(store: Store, name: str, settings: Model) -> dict[str, Any]:
    """Say how far results on labels have come, and how many labels the last published window had."""
    known = {"is_estimate": False, "multiple": 1}
    of_labels = {"shift": Shift.CONCEPT.value}
    published = store.view("performance_history", model=name, where=known, limit=1)
    learned = [
        row["window_end"]
        for detector in settings.concept.detectors
        for row in store.view("drift_history", model=name, where=of_labels | {"detector": detector}, limit=1)
    ]
    last = published[0] if published else {}
    return {
        "published_until": last.get("window_end"),
        "labelled_rows": last.get("labelled_rows"),
        "label_ratio": last.get("label_ratio"),
        "learned_until": max(learned, default=None),
    }


def _partitions(config: Config, store: Store, now: datetime) -> list[dict[str, Any]]:
    """Give one row per partition and model of the configured topics; others, such as files, are left out."""
    topics = config.topics()
    return [
        _partition(row, config.models.get(row["model"] or ""), now)
        for row in store.progress_rows()
        if row["topic"] in topics and (row["model"] is None or row["model"] in config.models)
    ]


def _partition(row: Mapping[str, Any], settings: Model | None, now: datetime) -> dict[str, Any]:
    lag = None if row["log_end"] is None else max(0, row["log_end"] - row["next_offset"])
    quiet = None if row["active_at"] is None else now - row["active_at"]
    signs = Signs(
        beat=None if row["beat_at"] is None else now - row["beat_at"],
        recent=row["recent"],
        quiet=quiet,
        behind=None if row["event_time"] is None else now - row["event_time"],
    )
    state, why = condition_of(signs, limits_of(settings, row["topic"]))
    quiet_s = None if quiet is None else quiet.total_seconds()
    return {**row, "lag": lag, "quiet_s": quiet_s, "state": state, "why": why}


def _model_cells(row: Mapping[str, Any]) -> list[object]:
    worst, rows = row["worst"], row["rows"]
    alerts = ", ".join(f"{count} {severity}" for severity, count in row["open_alerts"].items())
    moved = "" if worst is None else f"{worst['feature']} {words.percent(worst['effect'])} {worst['verdict']}"
    until = row["judged_until"] or ("no reference" if row["reference_id"] is None else "nothing yet")
    return [row["model"], until, "" if rows is None else f"{rows:,}", alerts or "none", moved]


def _label_cells(row: Mapping[str, Any]) -> list[object]:
    labels = row["labels"]
    rows, ratio = labels["labelled_rows"], labels["label_ratio"]
    came = "" if rows is None else f"{rows:,}" + (f" ({words.percent(ratio)})" if ratio is not None else "")
    return [
        row["model"],
        labels["published_until"] or "nothing yet",
        came,
        labels["learned_until"] or "nothing yet",
    ]


def _cells(row: Mapping[str, Any]) -> list[object]:
    lag, quiet_s = row["lag"], row["quiet_s"]
    return [
        f"{row['topic']}/{row['partition']}",
        f"{row['next_offset']:,}",
        "" if lag is None else f"{lag:,}",
        row["event_time"],
        "" if quiet_s is None else f"{age(timedelta(seconds=quiet_s))} ago",
        row["state"],
    ]


def _partition_table(rows: Sequence[Mapping[str, Any]], *, with_model: bool) -> None:
    if not with_model:
        print_table(_COLUMNS, [_cells(row) for row in rows], right=("next", "lag"))
        return
    cells = [[first, row["model"], *others] for row in rows for first, *others in [_cells(row)]]
    print_table((_COLUMNS[0], "model", *_COLUMNS[1:]), cells, right=("next", "lag"))


def _explain(rows: Iterable[Mapping[str, Any]]) -> None:
    """Say why a state is not OK, and what to do."""
    places: dict[tuple[Word, str], list[str]] = {}
    for row in rows:
        place, said = f"{row['topic']}/{row['partition']}", (Word(row["state"]), row["why"])
        if said[0] is not Word.OK and place not in places.setdefault(said, []):
            places[said].append(place)
    for (state, why), named in places.items():
        more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        text = f"{state}: {', '.join(named[:MOST_NAMED])}{more}: {why}"
        out().print(Text(shown(text), "yellow" if state is Word.WARN else "red"))
