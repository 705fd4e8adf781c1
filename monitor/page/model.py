"""One model: every feature over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from detectors.result import Shift, Verdict
from monitor.page import say
from monitor.page.asked import Asked, link, moment
from monitor.page.chart import chart
from monitor.page.choices import Range, range_of
from monitor.page.desk import Desk
from monitor.page.parts import pairs_table, segments_table
from monitor.page.series import Point, Series
from monitor.page.stretch import Stretch
from monitor.page.strip import Cell, legend, strip
from monitor.page.table import Cell as Linked
from monitor.page.table import Column, Table
from monitor.page.view import View
from monitor.store.page.rows import Row

SHOWN = 40
_RANK = {Verdict.ERROR.value: 5, Verdict.DRIFT.value: 4, Verdict.WARN.value: 3, Verdict.OK.value: 1}
FEATURES = (
    Column("feature", "feature"),
    Column("role", "role"),
    Column("windows", "windows", "number"),
    Column("drifted", "drifted", "number"),
    Column("latest_effect", "now", "percent"),
    Column("largest_effect", "at most", "percent"),
    Column("latest_verdict", "verdict", "verdict"),
)
BROKEN = (
    Column("feature", "column"),
    Column("check_name", "check"),
    Column("expected", "expected"),
    Column("observed", "found"),
    Column("failed_rows", "rows", "number"),
    Column("verdict", "verdict", "verdict"),
)
WINDOWS = (
    Column("window_start", "window", "time"),
    Column("rows", "rows", "number"),
    Column("late", "late", "number"),
    Column("rejected", "rejected", "number"),
    Column("labelled", "labelled", "number"),
    Column("reference_id", "reference"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One feature's windows, and what they come to."""

    feature: str
    role: str
    cells: tuple[Cell, ...]

    @property
    def latest(self) -> Cell:
        return self.cells[-1]

    @property
    def drifted(self) -> int:
        return sum(cell.verdict == Verdict.DRIFT for cell in self.cells)

    @property
    def largest(self) -> float | None:
        return max((cell.effect for cell in self.cells if cell.effect is not None), default=None)

    @property
    def severity(self) -> tuple[float, ...]:
        """What drifts now comes first, then what drifted before, and among these what moves most now."""
        is_bad = self.latest.verdict in {Verdict.DRIFT, Verdict.ERROR}
        return (is_bad, self.drifted > 0, self.latest.effect or 0.0, self.largest or 0.0)


def model(desk: Desk, asked: Asked) -> View:
    """Show a model's features, the worst first."""
    settings = asked.settings(desk.config)
    shown = range_of(desk, "model", asked, settings)
    stretch, look = shown.stretch, desk.look
    start = look.latest_start(asked.model, stretch.end_ms)
    names = [] if start is None else look.features(asked.model, start)
    rows = look.heat(asked.model, names, asked.multiple, stretch.start_ms, stretch.end_ms)
    lines = sorted(_lines(rows, stretch), key=lambda line: (line.severity, line.feature), reverse=True)
    of = (asked.multiple, stretch.start_ms, stretch.end_ms)
    parted = look.segments(asked.model, names, *of) if settings.segments else []
    together = look.pairs(asked.model, *of) if settings.detectors.pairs else []
    windows = look.windows(asked.model, stretch.start_ms, stretch.end_ms, 60 * max(settings.multiples))
    tables = {
        "features": Table("features", "Features", FEATURES, [_cells(line, asked, shown) for line in lines]),
        "broken": Table(
            "broken",
            "Broken data in the latest window",
            BROKEN,
            _broken(look.broken(asked.model, start or 0), asked),
        ),
        "segments": segments_table(parted, asked),
        "pairs": pairs_table(together),
        "windows": Table("windows", "Windows", WINDOWS, [[row[c.name] for c in WINDOWS] for row in windows]),
    }
    values = {
        "range": shown,
        "heat": _heat(lines if asked.is_all else lines[:SHOWN], settings.min_effect, asked, shown),
        "more": None if asked.is_all or len(lines) <= SHOWN else (len(lines), _link_all(asked)),
        "legend": legend(settings.min_effect),
        "settings": settings,
        "rows": _rows_chart(windows, stretch),
        "latest": start,
    }
    return View(asked.model, "model.html", values, tables, asked.model)


def _link_all(asked: Asked) -> str:
    return link("model", m=asked.model, x=asked.multiple, until=moment(asked.until_ms), all=1)


def _lines(rows: Iterable[Row], stretch: Stretch) -> list[Line]:
    by_feature: defaultdict[str, dict[int, Cell]] = defaultdict(dict)
    roles: dict[str, str] = {}
    for row in rows:
        roles[row["feature"]] = "" if row["shift"] == Shift.COVARIATE else "output"
        cells, start = by_feature[row["feature"]], row["window_start"]
        cell = Cell(stretch.column(start), start, row["effect"], row["verdict"])
        cells[start] = _louder(cells[start], cell) if start in cells else cell
    return [Line(name, roles[name], tuple(cells.values())) for name, cells in by_feature.items()]


def _louder(one: Cell, other: Cell) -> Cell:
    """Take, of several tests of a window, the effect of the one that has one, and the worst verdict."""
    effects = [cell.effect for cell in (one, other) if cell.effect is not None]
    verdict = max((one.verdict, other.verdict), key=lambda verdict: _RANK.get(verdict, 0))
    return Cell(one.column, one.start_ms, max(effects, default=None), verdict)


def _heat(lines: Sequence[Line], least: float, asked: Asked, shown: Range) -> list[dict[str, Any]]:
    return [
        {
            "feature": line.feature,
            "role": line.role,
            "href": _to_feature(line.feature, asked),
            "strip": strip(line.cells, len(shown.stretch.starts), least, _said(line)),
            "effect": line.latest.effect,
            "verdict": line.latest.verdict,
        }
        for line in lines
    ]


def _said(line: Line) -> str:
    drifted = f"{line.feature}: {line.drifted} of {len(line.cells)} windows drifted"
    return (
        drifted if line.largest is None else f"{drifted}, at most {say.percent(line.largest)} of rows moved"
    )


def _to_feature(feature: str, asked: Asked) -> str:
    return link("feature", m=asked.model, f=feature, x=asked.multiple, until=moment(asked.until_ms))


def _cells(line: Line, asked: Asked, shown: Range) -> list[Any]:
    del shown
    name = Linked(line.feature, _to_feature(line.feature, asked))
    latest = line.latest
    return [name, line.role, len(line.cells), line.drifted, latest.effect, line.largest, latest.verdict]


def _broken(rows: Iterable[Row], asked: Asked) -> list[list[Any]]:
    return [
        [
            Linked(row["feature"], _to_feature(row["feature"], asked)) if row["feature"] else "whole log",
            row["check_name"].replace("_", " "),
            row["expected"],
            row["observed"],
            row["failed_rows"],
            row["verdict"],
        ]
        for row in rows
    ]


def _rows_chart(windows: Sequence[Row], stretch: Stretch) -> Any:
    """Draw how many rows came, added up over the length of the windows that are shown."""
    added: defaultdict[int, int] = defaultdict(int)
    for row in windows:
        added[row["window_start"] - row["window_start"] % stretch.length_ms] += row["rows"]
    points = [Point(start, float(rows)) for start, rows in sorted(added.items())]
    if not points:
        return None
    return chart(
        "Rows per window", stretch, [Series("rows", "effect", points)], say.number, at_least=(0.0, 1.0)
    )
