"""How well the model does: on labels, estimated without them, and beside a challenger or variants."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from alerts.evidence_metrics import METRICS as KNOWN
from alerts.evidence_metrics import base_name, figure
from detectors.result import Verdict
from monitor.config import Model
from monitor.page import experiment, say
from monitor.page.asked import Asked
from monitor.page.chart import Chart, chart
from monitor.page.choices import range_of
from monitor.page.desk import Desk
from monitor.page.feature import spans_of
from monitor.page.series import Level, Point, Series
from monitor.page.stretch import Stretch
from monitor.page.table import Column, Table
from monitor.page.view import View
from monitor.store.page.rows import Row

OF_MODEL = frozenset({"performance", "concept"})
"""Alerts of these kinds are about how well the model does."""
METRICS = (
    Column("window_start", "window", "time"),
    Column("metric", "metric"),
    Column("is_estimate", "estimated"),
    Column("value", "value", "number"),
    Column("low", "from", "number"),
    Column("high", "to", "number"),
    Column("reference_value", "reference", "number"),
    Column("labelled_rows", "labels", "number"),
    Column("label_ratio", "of rows", "percent"),
    Column("verdict", "verdict", "verdict"),
    Column("note", "note"),
)
LABELS = (
    Column("window_start", "window", "time"),
    Column("rows", "rows", "number"),
    Column("labelled", "labelled", "number"),
    Column("label_ratio", "share", "percent"),
    Column("unusable", "unusable", "number"),
    Column("duplicates", "repeated", "number"),
    Column("corrected", "corrected", "number"),
    Column("too_late", "too late", "number"),
    Column("unmatched", "unmatched", "number"),
)
CHALLENGER = (
    Column("window_start", "window", "time"),
    Column("rows", "rows", "number"),
    Column("production_errors", "model's errors", "number"),
    Column("challenger_errors", "challenger's errors", "number"),
    Column("difference", "difference", "number"),
    Column("low", "from", "number"),
    Column("high", "to", "number"),
    Column("abstention_share", "abstained", "percent"),
)


def performance(desk: Desk, asked: Asked) -> View:
    """Show a model's metrics over time, those that fell first."""
    settings = asked.settings(desk.config)
    shown = range_of(desk, "performance", asked, settings)
    stretch, look = shown.stretch, desk.look
    of = (asked.model, stretch.start_ms, stretch.end_ms)
    rows = look.metrics(asked.model, asked.multiple, stretch.start_ms, stretch.end_ms)
    labels, challenged = look.labels(*of), look.challenger(*of)
    compared = look.experiment(*of)
    alerts = [row for row in look.alerts_during(*of) if row["shift"] in OF_MODEL]
    values = {
        "range": shown,
        "charts": _charts(rows, stretch, alerts),
        "labels": _label_share(labels, stretch, settings),
        "challenger": _challenger(challenged, stretch),
        "experiment": experiment.charts(compared, stretch),
        "alerts": alerts,
        "settings": settings,
        "base": challenged[-1] if challenged else None,
    }
    tables = {
        "metrics": _table("metrics", "Every metric", METRICS, rows),
        "labels": _table("labels", "Labels", LABELS, labels),
        "challenger": _table("challenger", "Challenger", CHALLENGER, challenged),
        "experiment": experiment.table(compared),
    }
    return View(f"performance of {asked.model}", "performance.html", values, tables, asked.model)


def _table(name: str, caption: str, columns: tuple[Column, ...], rows: Sequence[Row]) -> Table:
    return Table(name, caption, columns, [[row[column.name] for column in columns] for row in reversed(rows)])


def _charts(rows: Iterable[Row], stretch: Stretch, alerts: Sequence[Row]) -> list[Chart]:
    """Draw each metric that the reference has a value of; what fell comes first."""
    by_metric: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row["value"] is not None and row["reference_value"] is not None:
            by_metric[row["metric"]].append(row)
    order = sorted(by_metric, key=lambda metric: (not _is_bad(by_metric[metric]), _place(metric), metric))
    return [_chart(metric, by_metric[metric], stretch, alerts) for metric in order]


def _place(metric: str) -> int:
    """Give the place of a metric among all, in the order in which messages name them."""
    known = list(KNOWN)
    name = base_name(metric)
    return known.index(name) if name in known else len(known)


def _title(metric: str) -> str:
    """Write a metric as people do, with the class it is about."""
    name = base_name(metric)
    return metric.replace(name, KNOWN[name].name, 1) if name in KNOWN else metric.replace("_", " ")


def _is_bad(rows: Iterable[Row]) -> bool:
    return any(row["verdict"] == Verdict.DRIFT for row in rows)


def _chart(metric: str, rows: Sequence[Row], stretch: Stretch, alerts: Iterable[Row]) -> Chart:
    series = [
        Series("realised", "effect", _points(row for row in rows if not row["is_estimate"])),
        Series("estimated without labels", "second", _points(row for row in rows if row["is_estimate"])),
    ]
    levels = [Level("reference", rows[-1]["reference_value"]), *_tolerated(metric, rows[-1])]
    spans = spans_of((row for row in alerts if row["feature"] == metric), stretch)
    return chart(_title(metric), stretch, series, _written(metric), levels=levels, spans=spans)


def _tolerated(metric: str, latest: Row) -> list[Level]:
    """Give how bad the metric may be."""
    known = KNOWN.get(base_name(metric))
    is_upper = known is not None and known.low_is_good
    name, key = ("tolerated up to", "band_high") if is_upper else ("tolerated from", "band_low")
    return [] if latest[key] is None else [Level(name, latest[key])]


def _written(metric: str) -> Callable[[float], str]:
    return lambda value: figure(metric, value)


def _points(rows: Iterable[Row]) -> list[Point]:
    return [
        Point(row["window_start"], row["value"], row["low"], row["high"], row["verdict"] == Verdict.DRIFT)
        for row in rows
    ]


def _label_share(rows: Iterable[Row], stretch: Stretch, settings: Model) -> Chart | None:
    """Draw which share of the rows has a label, added up over the windows that are shown."""
    labelled: defaultdict[int, int] = defaultdict(int)
    judged: defaultdict[int, int] = defaultdict(int)
    for row in rows:
        start = row["window_start"] - row["window_start"] % stretch.length_ms
        labelled[start] += row["labelled"]
        judged[start] += row["rows"]
    points = [Point(start, labelled[start] / judged[start]) for start in sorted(judged) if judged[start]]
    if not points:
        return None
    levels = [Level("published from", settings.labels_share)]
    series = [Series("rows with a label", "third", points)]
    return chart("Labels that have come", stretch, series, say.percent, levels=levels, at_least=(0.0, 1.0))


def _challenger(rows: Sequence[Row], stretch: Stretch) -> Chart | None:
    """Draw by how much the challenger's errors exceed the model's."""
    points = [
        Point(row["window_start"], row["difference"], row["low"], row["high"], _is_surely_better(row))
        for row in rows
        if row["difference"] is not None
    ]
    if not points:
        return None
    series = [Series("challenger less model", "third", points)]
    name = "Errors of the challenger less the model's, on the same rows; marked where retraining surely helps"
    return chart(name, stretch, series, say.number, levels=[Level("equal", 0.0)])


def _is_surely_better(row: Row) -> bool:
    return row["high"] is not None and row["high"] < 0


def nothing(settings: Model) -> str:
    """Say why there are no metrics."""
    if settings.labels_topics:
        return "No metric yet: labels have not come, and the reference cannot say how well the model did."
    return (
        "No metric: the model has no labels_topics, and without labels in the reference nothing is estimated."
    )
