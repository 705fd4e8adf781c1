"""What is not there, or was never there before: nulls, unseen categories, values out of range, over time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from detectors.counts import Counts, NumericCounts, merge
from detectors.grid import CategoricalGrid
from detectors.profile import decode_counts
from detectors.reference import Reference
from monitor.page import say
from monitor.page.asked import Asked
from monitor.page.chart import Chart, chart
from monitor.page.desk import Desk
from monitor.page.series import Level, Point, Series
from monitor.page.stretch import Stretch
from monitor.store.page.feature import MOST_COUNTS
from monitor.store.page.rows import Row

DAY_MS = 86_400_000


def presence_charts(desk: Desk, asked: Asked, rows: Sequence[Row], stretch: Stretch) -> list[Chart]:
    """Draw the share of rows without a value, and of values that the reference does not have.

    Only windows on the latest reference are shown: counts on another one mean something else.
    """
    reference_id = next((row["reference_id"] for row in reversed(rows) if row["reference_id"]), "")
    reference = desk.reference(reference_id) if reference_id else None
    if reference is None or asked.feature not in reference.grids:
        return []
    on_it = {row["window_start"] for row in rows if row["reference_id"] == reference_id}
    added = _added(desk, asked, sorted(on_it), reference, stretch)
    if not added:
        return []
    before = reference.profile.counts[asked.feature]
    missing = [Point(start, absent(counts)) for start, counts in added if counts.rows]
    charts = [_chart("Rows without a value", missing, absent(before), stretch)] if missing else []
    grid = reference.grids[asked.feature]
    if not (isinstance(grid, CategoricalGrid) and grid.is_open):
        name = (
            "Unseen categories"
            if isinstance(grid, CategoricalGrid)
            else "Values out of the reference's range"
        )
        strange = [Point(start, unknown(counts)) for start, counts in added if counts.n]
        charts += [_chart(name, strange, unknown(before), stretch)] if strange else []
    return charts


def absent(counts: Counts) -> float:
    """Which share of the rows has no usable value."""
    return 1.0 - counts.n / counts.rows if counts.rows else 0.0


def unknown(counts: Counts) -> float:
    """Which share of the values is of no known category, or out of the reference's range."""
    if not counts.n:
        return 0.0
    if isinstance(counts, NumericCounts):
        return int(counts.between[0] + counts.between[-1]) / counts.n
    return (sum(counts.unseen.values()) + counts.other) / counts.n


def _added(
    desk: Desk, asked: Asked, starts: Sequence[int], reference: Reference, stretch: Stretch
) -> list[tuple[int, Counts]]:
    """Add counts up over the windows that are shown; of very many base windows read evenly spaced ones."""
    base = [at for start in starts for at in range(start, start + stretch.length_ms, stretch.window_ms)]
    every = -(-len(base) // MOST_COUNTS) or 1
    grid = reference.grids[asked.feature]
    found = desk.look.counts(asked.model, asked.feature, base[::every])
    if stretch.length_ms >= DAY_MS:  # what was added up to days has no place in shorter windows
        span = (stretch.start_ms, stretch.end_ms)
        found = sorted(found + desk.look.days(asked.model, asked.feature, reference.id, *span))
    added = []
    for start, group in groupby(found, lambda pair: pair[0] - pair[0] % stretch.length_ms):
        parts = [decode_counts(part, asked.feature, grid) for _, part in group]
        total = parts[0]
        for part in parts[1:]:
            total = merge(total, part)
        added.append((start, total))
    return added


def _chart(name: str, points: Sequence[Point], before: float, stretch: Stretch) -> Chart:
    series = [Series(name.lower(), "absent", points)]
    return chart(
        name, stretch, series, say.percent, levels=[Level("reference", before)], at_least=(0.0, 0.04)
    )
