"""Parts of the log, and features two by two: what the whole of each feature does not show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from detectors.result import Verdict
from monitor.page.asked import Asked, link, moment
from monitor.page.stretch import Stretch
from monitor.page.strip import Cell, strip
from monitor.page.table import Cell as Linked
from monitor.page.table import Column, Table
from monitor.store.page.rows import Row

SEGMENTS = (
    Column("segment", "segment"),
    Column("feature", "feature"),
    Column("latest", "latest", "time"),
    Column("windows", "windows drifted", "number"),
    Column("only_there", "only there", "number"),
    Column("effect", "at most", "percent"),
)
PAIRS = (
    Column("window_start", "window", "time"),
    Column("pair", "features"),
    Column("before", "reference", "number"),
    Column("after", "window", "number"),
)


def segments_table(rows: Sequence[Row], asked: Asked) -> Table:
    """Give what drifted within segments, by segment and feature; what drifted most often comes first."""
    of: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        of[row["segment"], row["feature"]].append(row)
    lines = sorted(of.items(), key=lambda one: (-len(_windows(one[1])), one[0]))
    cells = [[segment, _to(feature, asked), *_told(found)] for (segment, feature), found in lines]
    return Table("segments", "Drift within segments", SEGMENTS, cells, "No segment drifted.")


def _windows(rows: Iterable[Row]) -> set[int]:
    return {row["window_start"] for row in rows}


def _told(rows: Sequence[Row]) -> list[Any]:
    alone = _windows(row for row in rows if "only_in" in row["details"])
    effects = [row["effect"] for row in rows if row["effect"] is not None]
    starts = _windows(rows)
    return [max(starts), len(starts), len(alone), max(effects, default=None)]


def _to(feature: str, asked: Asked) -> Linked:
    href = link("feature", m=asked.model, f=feature, x=asked.multiple, until=moment(asked.until_ms))
    return Linked(feature, href)


def pairs_table(rows: Iterable[Row]) -> Table:
    """Give the pairs that came apart, latest window first."""
    cells = [
        [row["window_start"], f"{pair['one']} and {pair['other']}", pair["before"], pair["after"]]
        for row in reversed(list(rows))
        if row["verdict"] == Verdict.DRIFT
        for pair in row["details"].get("pairs", ())
    ]
    return Table("pairs", "Features that came apart: correlations", PAIRS, cells, "No pair came apart.")


@dataclass(frozen=True, slots=True)
class Within:
    """A feature's windows within one segment."""

    segment: str
    strip: Any
    effect: float | None
    verdict: str
    is_only_there: bool


def strips_within(rows: Iterable[Row], stretch: Stretch, least: float) -> list[Within]:
    """Draw a feature's windows within each segment, those that drifted most often first."""
    of: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row["effect"] is not None or row["verdict"] in {Verdict.INCONCLUSIVE, Verdict.ERROR}:
            of[row["segment"]].append(row)
    lines = sorted(of.items(), key=lambda one: (-_drifted(one[1]), one[0]))
    return [_within(segment, found, stretch, least) for segment, found in lines]


def _drifted(rows: Iterable[Row]) -> int:
    return sum(row["verdict"] == Verdict.DRIFT for row in rows)


def _within(segment: str, rows: Sequence[Row], stretch: Stretch, least: float) -> Within:
    cells = [
        Cell(stretch.column(row["window_start"]), row["window_start"], row["effect"], row["verdict"])
        for row in rows
    ]
    label = f"{segment}: {_drifted(rows)} of {len(rows)} windows drifted"
    alone = [row for row in rows if row["verdict"] == Verdict.DRIFT and "only_in" in row["details"]]
    picture = strip(cells, len(stretch.starts), least, label)
    return Within(segment, picture, rows[-1]["effect"], rows[-1]["verdict"], bool(alone))
