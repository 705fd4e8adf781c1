"""One feature: how it looks beside the reference, and how far it moved over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from detectors.bins import Bin, bins_of
from detectors.counts import Counts, merge
from detectors.grid import CategoricalGrid
from detectors.profile import decode_counts
from detectors.reference import Reference
from detectors.result import Verdict
from detectors.season import PART as SEASON
from detectors.season import decode
from monitor.config import Model
from monitor.page import say
from monitor.page.asked import Asked, link, moment
from monitor.page.bars import bin_name, histogram, pair
from monitor.page.chart import Chart, chart
from monitor.page.choices import range_of
from monitor.page.desk import Desk
from monitor.page.evidence import evidence_at, evidence_chart, is_evidence
from monitor.page.parts import strips_within
from monitor.page.presence import presence_charts
from monitor.page.series import Level, Point, Series, Span
from monitor.page.stretch import Stretch
from monitor.page.table import Cell, Column, Table
from monitor.page.view import View
from monitor.store.page.rows import Row

TESTS = (
    Column("window_start", "window", "time"),
    Column("detector", "detector"),
    Column("statistic", "statistic", "number"),
    Column("adjusted_p", "adjusted p", "number"),
    Column("effect", "effect", "percent"),
    Column("effect_low", "from", "percent"),
    Column("effect_high", "to", "percent"),
    Column("threshold", "threshold", "number"),
    Column("n_current", "values", "number"),
    Column("verdict", "verdict", "verdict"),
    Column("note", "note"),
)
BINS = (
    Column("bin", "values"),
    Column("reference", "reference", "percent"),
    Column("current", "window", "percent"),
)


def feature(desk: Desk, asked: Asked) -> View:
    """Show a feature in the latest window of the stretch, or in the one that begins at ``at``."""
    settings = asked.settings(desk.config)
    shown = range_of(desk, "feature", asked, settings)
    stretch = shown.stretch
    rows = desk.look.tests(asked.model, asked.feature, asked.multiple, stretch.start_ms, stretch.end_ms)
    within = desk.look.within(asked.model, asked.feature, asked.multiple, stretch.start_ms, stretch.end_ms)
    alerts = desk.look.alerts_during(asked.model, stretch.start_ms, stretch.end_ms)
    spans = spans_of((row for row in alerts if row["feature"] == asked.feature), stretch)
    chosen = _chosen(rows, asked)
    beside = None if chosen is None else _beside(desk, asked, chosen, stretch)
    tables = {"tests": Table("tests", "Every test", TESTS, [_test(row, asked) for row in reversed(rows)])}
    if beside is not None:
        tables["bins"] = Table(
            "bins", "Values", BINS, [[bin_name(one), one.reference, one.current] for one in beside["bins"]]
        )
    values = {
        "range": shown,
        "feature": asked.feature,
        "chosen": chosen,
        "beside": beside,
        "charts": _charts(rows, settings, stretch, spans),
        "evidence": None if chosen is None else evidence_at(rows, chosen["window_start"]),
        "within": strips_within(within, stretch, settings.min_effect),
        "presence": presence_charts(desk, asked, rows, stretch),
        "alerts": [row for row in alerts if row["feature"] == asked.feature],
        "settings": settings,
    }
    return View(f"{asked.feature} of {asked.model}", "feature.html", values, tables, asked.model)


def spans_of(alerts: Iterable[Row], stretch: Stretch) -> list[Span]:
    """Give the times in which alerts were open."""
    return [
        Span(
            row["opened_at"],
            stretch.end_ms if row["resolved_at"] is None else row["resolved_at"],
            f"{row['severity']} alert since {say.stamp(row['opened_at'])} UTC: {row['summary']}",
        )
        for row in alerts
    ]


def _chosen(rows: Sequence[Row], asked: Asked) -> Row | None:
    """Give the test whose window is looked at."""
    of = [row for row in rows if asked.at_ms is None or row["window_start"] == asked.at_ms]
    latest = [row for row in of if row["window_start"] == of[-1]["window_start"]]
    return next((row for row in sorted(latest, key=_standing)), None)


def _standing(row: Row) -> tuple[bool, bool]:
    """Put tests that alarm before others that know an effect, and these before distances."""
    return row["adjusted_p"] is None, row["effect"] is None


def _beside(desk: Desk, asked: Asked, chosen: Row, stretch: Stretch) -> dict[str, Any] | None:
    """Give the reference and the window on the same bins; None when the window's values are not kept."""
    reference = desk.reference(chosen["reference_id"]) if chosen["reference_id"] else None
    grid = None if reference is None else reference.grids.get(asked.feature)
    if reference is None or grid is None:
        return None
    window = range(chosen["window_start"], chosen["window_end"], stretch.window_ms)
    found = _stored(desk, asked.model, asked.feature, reference, window)
    current = _total([decode_counts(part, asked.feature, grid) for part in found])
    if current is None or not current.n:
        return None
    hours = _stored(desk, asked.model, SEASON, reference, window) if reference.seasonal else []
    is_known = bool(hours) and len(hours) == len(found)
    before = reference.profile.counts[asked.feature]
    bins = bins_of(_in_season(reference, asked.feature, hours) if is_known else before, current, grid)
    return {
        "bins": bins,
        "histogram": None if isinstance(grid, CategoricalGrid) else histogram(bins, _in_words(bins)),
        "pairs": _pairs(bins) if isinstance(grid, CategoricalGrid) else [],
        "reference": reference,
        "n_reference": chosen["n_reference"],
        "n_current": current.n,
        "n_tested": chosen["n_current"],
    }


def _stored(desk: Desk, model: str, name: str, reference: Reference, window: range) -> list[bytes]:
    """Give a feature's parts of the window, and of days that were added up of such."""
    found = desk.look.counts(model, name, window)
    return [
        part for _, part in (*found, *desk.look.days(model, name, reference.id, window.start, window.stop))
    ]


def _in_season(reference: Reference, feature: str, hours: Iterable[bytes]) -> Counts:
    """Give what a feature looks like in the reference's hours that the window's rows are of."""
    if reference.seasonal is None:
        return reference.profile.counts[feature]
    rows = [decode(part, reference.seasonal.season) for part in hours]
    expected = reference.seasonal.expected({feature: reference.grids[feature]}, np.sum(rows, axis=0).tolist())
    return expected.get(feature, reference.profile.counts[feature])


def _total(parts: Sequence[Counts]) -> Counts | None:
    """Add counts up; None of nothing."""
    return reduce(merge, parts) if parts else None


def _in_words(bins: Sequence[Bin]) -> str:
    """Say which bins changed most."""
    most = sorted(bins, key=lambda one: -abs(one.current - one.reference))[:3]
    changes = (f"{bin_name(one)} {say.percent(one.reference)} to {say.percent(one.current)}" for one in most)
    return f"Shares of values, reference and window; changed most: {'; '.join(changes)}"


def _pairs(bins: Sequence[Bin]) -> list[dict[str, Any]]:
    top = max((max(one.reference, one.current) for one in bins), default=0.0) or 1.0
    return [{"bin": one, "name": bin_name(one), "picture": pair(one, top)} for one in bins]


def _charts(rows: Sequence[Row], settings: Model, stretch: Stretch, spans: Sequence[Span]) -> list[Chart]:
    return [
        *_effects(rows, settings, stretch, spans),
        *evidence_chart(rows, stretch, spans),
        *_distances(rows, stretch, spans),
    ]


def _effects(rows: Iterable[Row], settings: Model, stretch: Stretch, spans: Sequence[Span]) -> list[Chart]:
    """Draw the effects of all tests that have one, with their intervals."""
    points: defaultdict[str, list[Point]] = defaultdict(list)
    for row in rows:
        if row["effect"] is not None:
            is_bad = row["verdict"] == Verdict.DRIFT
            point = Point(row["window_start"], row["effect"], row["effect_low"], row["effect_high"], is_bad)
            points["since the change" if is_evidence(row) else row["detector"]].append(point)
    if not points:
        return []
    series = [
        Series(name, _STYLES[i % len(_STYLES)], found) for i, (name, found) in enumerate(points.items())
    ]
    least = [Level("least effect that matters", settings.min_effect)] if settings.min_effect else []
    name = "Effect: the share of rows that moved, with its 95 % interval"
    return [chart(name, stretch, series, say.percent, levels=least, spans=spans, at_least=(0.0,))]


def _distances(rows: Iterable[Row], stretch: Stretch, spans: Sequence[Span]) -> list[Chart]:
    """Draw distances, each on its own scale."""
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        is_distance = row["effect"] is None and row["adjusted_p"] is None and not is_evidence(row)
        if is_distance and row["statistic"] is not None:
            found[row["detector"]].append(row)
    made = []
    for name, of in found.items():
        points = [
            Point(row["window_start"], row["statistic"], is_bad=row["verdict"] == Verdict.DRIFT) for row in of
        ]
        limits = {row["threshold"] for row in of if row["threshold"] is not None}
        levels = [Level("threshold", limit) for limit in sorted(limits)]
        series = [Series(name, "distance", points)]
        made.append(chart(name, stretch, series, say.number, levels=levels, spans=spans, at_least=(0.0,)))
    return made


def _test(row: Row, asked: Asked) -> list[Any]:
    at = moment(row["window_start"])
    href = link(
        "feature", m=asked.model, f=asked.feature, x=asked.multiple, until=moment(asked.until_ms), at=at
    )
    return [Cell(row["window_start"], href), *(row[column.name] for column in TESTS[1:])]


_STYLES = ("effect", "second", "third")
