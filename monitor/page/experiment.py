"""How a model's variants compare: each measure's difference over time, and every figure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from monitor.page import say
from monitor.page.chart import Chart, chart
from monitor.page.series import Level, Point, Series
from monitor.page.stretch import Stretch
from monitor.page.table import Column, Table
from monitor.store.page.rows import Row

COLUMNS = (
    Column("window_start", "window", "time"),
    Column("experiment", "experiment"),
    Column("measure", "measure"),
    Column("variant", "variant"),
    Column("n_control", "control's values", "number"),
    Column("n_variant", "values", "number"),
    Column("control_value", "control", "number"),
    Column("variant_value", "variant's", "number"),
    Column("difference", "difference", "number"),
    Column("low", "from", "number"),
    Column("high", "to", "number"),
    Column("lift_low", "lift from", "percent"),
    Column("lift_high", "lift to", "percent"),
    Column("probability", "best", "percent"),
    Column("conclusion", "conclusion"),
    Column("note", "note"),
)
SHOWN = frozenset({"better", "worse"})


def charts(rows: Iterable[Row], stretch: Stretch) -> list[Chart]:
    """Draw by how much each measure of a variant exceeds the control's, the metric first."""
    lines: defaultdict[tuple[bool, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row["kind"] != "split" and row["low"] is not None:
            lines[row["kind"] != "metric", row["measure"], row["variant"]].append(row)
    return [_chart(lines[key], stretch) for key in sorted(lines)]


def _chart(rows: Sequence[Row], stretch: Stretch) -> Chart:
    points = [
        Point(row["window_start"], row["difference"], row["low"], row["high"], row["conclusion"] in SHOWN)
        for row in rows
    ]
    last = rows[-1]
    title = (
        f"{last['measure']}: {last['variant']} less the control, of all rows so far; marked where it is shown"
    )
    series = [Series(last["variant"], "second", points)]
    return chart(title, stretch, series, say.number, levels=[Level("equal", 0.0)])


def table(rows: Sequence[Row]) -> Table:
    """Give every figure, newest first."""
    cells = [[row[column.name] for column in COLUMNS] for row in reversed(rows)]
    return Table("experiment", "Experiment", COLUMNS, cells)
