"""What was found in windows as points of named series, for tools that draw such series."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from detectors.result import Verdict
from monitor.store.base import Store, View

TESTS = frozenset({"ks", "chi2"})
"""Of each feature one is made."""
PAGE = 100
"""Windows that are looked at together."""
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Point:
    """A value of one series. There is one at most of a series in a window."""

    series: str
    value: float


@dataclass(frozen=True, slots=True)
class Window:
    """One judged window, its points, and the worst verdict of any test of drift in it."""

    start: datetime
    end: datetime
    reference_id: str
    verdict: Verdict
    points: tuple[Point, ...]

    @property
    def step(self) -> int:
        """The window's place: minutes since 1970, the same whenever it is asked for."""
        return int(self.start.timestamp()) // 60


def windows(
    store: Store, model: str, since: datetime | None, until: datetime, limit: int
) -> Iterator[Window]:
    """Give the first judged windows that begin from ``since`` on and before ``until``, oldest first.

    Realised performance is not among their points: labels are still coming.
    """
    for row in _windows(store, model, since, until, limit):
        drift = _found(store, "drift_history", row, multiple=1)
        quality = _found(store, "quality_history", row)
        drifted = sum(each["verdict"] == Verdict.DRIFT for each in drift)
        points = (
            Point("rows", float(row["rows"])),
            Point("drifted", float(drifted)),
            Point("failed_checks", float(sum(each["verdict"] == Verdict.FAIL for each in quality))),
            *moved(drift),
            *_metrics(store, row, "estimated", is_estimate=True),
        )
        verdict = Verdict.DRIFT if drifted else Verdict.OK
        yield Window(row["window_start"], row["window_end"], row["reference_id"], verdict, points)


def labelled_windows(
    store: Store, model: str, since: datetime | None, until: datetime, limit: int
) -> Iterator[Window]:
    """Give the same windows with their realised performance; ask once no label can come any more."""
    for row in _windows(store, model, since, until, limit):
        points = tuple(_metrics(store, row, "realised", is_estimate=False))
        yield Window(row["window_start"], row["window_end"], row["reference_id"], Verdict.OK, points)


def together(judged: Iterable[Window], labelled: Iterable[Window]) -> Iterator[Window]:
    """Give the judged windows with the points that labels add to them."""
    realised = {window.start: window.points for window in labelled}
    return (replace(window, points=window.points + realised.get(window.start, ())) for window in judged)


def moved(drift: Iterable[Row]) -> Iterator[Point]:
    """Give each feature's effect: the share of rows that moved, as its test has it."""
    for row in drift:
        if row["detector"] in TESTS and row["effect"] is not None:
            yield Point(f"drift/{row['feature']}", row["effect"])


def _windows(
    store: Store, model: str, since: datetime | None, until: datetime, limit: int
) -> list[dict[str, Any]]:
    """Windows that were never judged, as only late rows came, are passed over."""
    found: list[dict[str, Any]] = []
    while len(found) < limit:
        rows = store.view(
            "window_history", model=model, since=since, until=until, where={"segment": ""}, limit=limit,
            newest_first=False,
        )  # fmt: skip
        found += [row for row in rows if row["closed_at"] is not None]
        if len(rows) < limit:
            break
        since = rows[-1]["window_start"] + timedelta(milliseconds=1)
    return found[:limit]


def _found(store: Store, view: View, window: Row, **where: object) -> list[dict[str, Any]]:
    """Give what a view holds of one window, of the whole log."""
    start: datetime = window["window_start"]
    until = start + timedelta(milliseconds=1)
    equal = {"segment": "", **where}
    return store.view(view, model=window["model"], since=start, until=until, where=equal)


def _metrics(store: Store, window: Row, prefix: str, *, is_estimate: bool) -> Iterator[Point]:
    """Give the performance in a window, but for what has no value and what no tool can draw."""
    for row in _found(store, "performance_history", window, multiple=1, is_estimate=is_estimate):
        if row["value"] is not None and math.isfinite(row["value"]):
            yield Point(f"{prefix}/{row['metric']}", row["value"])
