"""Tables of `driftd history`, each within 80 columns as long as names are short."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from alerts import words
from monitor.cli.context import print_table, shown
from monitor.cli.findings import drift_words, performance_figures, performance_words, quality_words, subject
from monitor.config import Duration

Row = Mapping[str, Any]
Rows = Iterable[Row]

_COUNTS_OF_LABELS = ("duplicates", "corrected", "too_late", "unmatched")
_LABEL_COLUMNS = ("rows", "labelled", "ratio", "dupli-\ncates", "corrected", "too\nlate", "un-\nmatched")
_WINDOW_COLUMNS = ("rows", "late", "rejected", "labelled", "judged at")
_FIGURE_COLUMNS = ("value", "95 % interval", "reference", "labels", "verdict")


def finding_table(rows: Rows, *, with_model: bool) -> None:
    """Print verdicts of any kind, each in words."""
    columns = ["window", "over", *_model_column(with_model), "feature", "verdict", "what"]
    print_table(
        columns,
        [[row["window_start"], _length(row), *_model(row, with_model), *_finding_cells(row)] for row in rows],
    )


def _finding_cells(row: Row) -> list[object]:
    if row["kind"] == "performance":
        return [row["metric"], row["verdict"], performance_words(row)]
    say = drift_words if row["kind"] == "drift" else quality_words
    place = f" in {row['segment']}" if row["segment"] else ""
    return [f"{subject(row)}{place}", row["verdict"], say(row)]


def window_table(rows: Rows, *, with_model: bool) -> None:
    """Print windows and their rows."""
    counts = _WINDOW_COLUMNS[:-1]
    cells = [
        [
            row["window_start"],
            _length(row),
            *_model(row, with_model),
            *(f"{row[name]:,}" for name in counts),
            row["closed_at"],
        ]
        for row in rows
    ]
    print_table(["window", "over", *_model_column(with_model), *_WINDOW_COLUMNS], cells, right=counts)


def label_table(rows: Rows, *, with_model: bool) -> None:
    """Print what became of the labels of each window."""
    cells = [[row["window_start"], *_model(row, with_model), *_label_cells(row)] for row in rows]
    print_table(["window", *_model_column(with_model), *_LABEL_COLUMNS], cells, right=_LABEL_COLUMNS)


def _label_cells(row: Row) -> list[object]:
    ratio = row["label_ratio"]
    return [
        f"{row['rows']:,}",
        f"{row['labelled']:,}",
        "" if ratio is None else words.percent(ratio),
        *(f"{row[name]:,}" for name in _COUNTS_OF_LABELS),
    ]


def performance_table(rows: Sequence[Row], *, with_model: bool, is_one_metric: bool) -> None:
    """Print metrics: under a line for each window, or one metric with the window in each row."""
    if is_one_metric:
        columns = ["window", "over", *_model_column(with_model), *_FIGURE_COLUMNS]
        cells = [
            [row["window_start"], _length(row), *_model(row, with_model), *performance_figures(row)]
            for row in rows
        ]
        print_table(columns, cells)
        return
    grouped: list[list[object]] = []
    for heading, group in groupby(rows, key=lambda row: _heading(row, with_model=with_model)):
        nothing = [""] * len(_FIGURE_COLUMNS)
        if grouped:
            grouped.append(["", *nothing])
        grouped.append([heading, *nothing])
        grouped += [[row["metric"], *performance_figures(row)] for row in group]
    print_table(["metric", *_FIGURE_COLUMNS], grouped)


def _heading(row: Row, *, with_model: bool) -> str:
    return " ".join([shown(row["window_start"]), _length(row), *map(str, _model(row, with_model))])


def _model_column(with_model: bool) -> list[str]:
    return ["model"] if with_model else []


def _model(row: Row, with_model: bool) -> list[object]:
    return [row["model"]] if with_model else []


def _length(row: Row) -> str:
    return str(Duration(int((row["window_end"] - row["window_start"]).total_seconds() * 1000)))
