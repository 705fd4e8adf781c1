"""The first view: every model in one line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from alerts.lifecycle import LOUDNESS
from alerts.model import Severity, Status
from detectors.result import Verdict
from monitor.config import Model
from monitor.page import say
from monitor.page.asked import Asked, link
from monitor.page.chart import spark
from monitor.page.desk import Desk
from monitor.page.series import Point
from monitor.page.stretch import Stretch, stretch_until
from monitor.page.table import Column, Table
from monitor.page.view import View
from monitor.store.page.overview import LOUDNESS as VERDICTS
from monitor.store.page.rows import Row
from monitor.store.types import to_ms

_VERDICTS = {0: "", **{place: verdict for verdict, place in VERDICTS.items()}}
SILENT_MS = 120_000
"""As `driftd status`: a reader that has said nothing for so long is taken for gone."""
COLUMNS = (
    Column("model", "model"),
    Column("rows", "rows", "number"),
    Column("window", "in"),
    Column("newest_row_age_s", "newest row"),
    Column("judged_until", "judged until", "time"),
    Column("lag", "waiting", "number"),
    Column("reader", "read"),
    Column("open_alerts", "open alerts"),
    Column("worst_feature", "moved most"),
    Column("effect", "effect", "percent"),
    Column("verdict", "verdict", "verdict"),
    Column("drifted", "drifted", "number"),
    Column("tested", "of", "number"),
)


def overview(desk: Desk, asked: Asked) -> View:
    """Show all models of the configuration, those with loud alerts first."""
    del asked
    look, config, now = desk.look, desk.config, desk.now
    judged = {name: until for name, until in look.models().items() if name in config.models}
    stretches = {
        name: stretch_until(config.models[name], 1, until)
        for name, until in judged.items()
        if until is not None
    }
    latest = _latest(look.latest_windows(list(stretches)))
    worst = {
        row["model"]: row | {"verdict": _VERDICTS[row["loudest"]]}
        for row in look.worst({name: row["window_start"] for name, row in latest.items()})
    }
    effects = _by_model(
        look.effects([(name, row["feature"], stretches[name].start_ms) for name, row in worst.items()])
    )
    counts, progress = look.alert_counts(), look.progress()
    lines = [
        _line(
            name,
            settings,
            judged.get(name),
            latest.get(name),
            worst.get(name),
            _alerts(counts, name),
            _reading(progress, name, settings, now),
            _spark(stretches.get(name), worst.get(name), effects[name]),
        )
        for name, settings in config.models.items()
    ]
    lines.sort(key=lambda line: (-line["loudness"], line["model"]))
    table = Table("models", "Models", COLUMNS, [_cells(line) for line in lines], "no model is configured")
    return View("Models", "overview.html", {"lines": lines}, {"models": table})


def _latest(windows: Iterable[Row]) -> dict[str, Row]:
    return {row["model"]: row for row in windows}


def _by_model(rows: Iterable[Row]) -> defaultdict[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["model"]].append(row)
    return found


def _alerts(counts: Iterable[Row], name: str) -> list[tuple[str, int]]:
    """Give firing alerts by severity, loudest first, and those that are pending."""
    of = [row for row in counts if row["model"] == name]
    firing = [row for row in of if row["status"] == Status.FIRING]
    firing.sort(key=lambda row: -LOUDNESS[Severity(row["severity"])])
    pending = sum(row["alerts"] for row in of if row["status"] == Status.PENDING)
    told = [(row["severity"], row["alerts"]) for row in firing]
    return [*told, ("pending", pending)] if pending else told


def _reading(progress: Iterable[Row], name: str, settings: Model, now: datetime) -> dict[str, Any]:
    """Say how far the model's predictions are read."""
    of = [row for row in progress if row["model"] == name and row["topic"] in settings.prediction_topics]
    latest = max((row["latest"] for row in of if row["latest"] is not None), default=None)
    beats = [row["beat_at"] for row in of]
    alive = bool(beats) and all(beat is not None and to_ms(now) - to_ms(beat) < SILENT_MS for beat in beats)
    return {
        "lag": sum(row["lag"] for row in of) if of else None,
        "age_ms": None if latest is None else max(to_ms(now) - latest, 0),
        "reader": "running" if alive else "nobody" if of else "",
    }


def _spark(stretch: Stretch | None, worst: Row | None, effects: Iterable[Row]) -> Any:
    if stretch is None or worst is None:
        return ""
    points = [
        Point(row["window_start"], row["effect"], is_bad=_VERDICTS[row["loudest"]] == Verdict.DRIFT)
        for row in effects
        if row["effect"] is not None
    ]
    label = f"effect of {worst['feature']} over the last {len(points)} windows"
    return spark(stretch, points, label)


def _line(
    name: str,
    settings: Model,
    judged_until: int | None,
    window: Row | None,
    worst: Row | None,
    alerts: list[tuple[str, int]],
    reading: Mapping[str, Any],
    picture: Any,
) -> dict[str, Any]:
    loudest = max((1 + LOUDNESS[Severity(kind)] for kind, _ in alerts if kind != "pending"), default=0)
    return {
        "model": name,
        "href": link("model", m=name),
        "alerts_href": link("alerts", m=name),
        "judged_until": judged_until,
        "rows": None if window is None else window["rows"],
        "window": say.length(settings.window.ms),
        "worst": worst,
        "worst_href": None if worst is None else link("feature", m=name, f=worst["feature"]),
        "alerts": alerts,
        "loudness": loudest,
        "spark": picture,
        **reading,
    }


def _cells(line: Mapping[str, Any]) -> list[Any]:
    worst = line["worst"] or {}
    age_ms = line["age_ms"]
    return [
        line["model"],
        line["rows"],
        line["window"],
        None if age_ms is None else age_ms // 1000,
        line["judged_until"],
        line["lag"],
        line["reader"],
        ", ".join(f"{n} {kind}" for kind, n in line["alerts"]),
        worst.get("feature"),
        worst.get("effect"),
        worst.get("verdict"),
        worst.get("drifted"),
        worst.get("tested"),
    ]
