"""A challenger beside the engine: it gets committed rows, and its results come back into the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.challenger.feeding import Challengers
from monitor.clock import SystemClock
from monitor.join.joiner import Joiner
from monitor.join.keeper import JoinKeeper
from monitor.join.table import JoinTable
from tests.monitor.labelled_worlds import Reader, broker_with, labelled_plan, rows_of_hours
from tests.monitor.worlds import HOUR_MS, new_store
from tests.services.waiting import until

HOURS, PER_HOUR = 6, 100
CHALLENGER = """
[models.loans.challenger]
base = "hoeffding_adaptive_trees"
rows_per_s = 10000.0
"""


class Challenged(Reader):
    """A reader with challengers."""

    def _keeper(self) -> JoinKeeper:
        table = JoinTable(self._folder, 1 << 26, "test")
        return JoinKeeper(Joiner(table), Challengers(self._folder, SystemClock()))


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_what_is_committed_is_learned_and_the_comparison_is_history(tmp_path: Path) -> None:
    frame = rows_of_hours(HOURS, PER_HOUR, 3, lambda _: 0.1)
    store = new_store()
    reader = Challenged(store, broker_with(frame, lambda _: HOUR_MS), tmp_path, labelled_plan(CHALLENGER))
    try:
        reader.catch_up()

        def learned() -> bool:
            reader.write()
            rows = store.view("challenger_history")
            return int(sum(row["rows"] + row["shed_rows"] for row in rows)) >= HOURS * PER_HOUR

        until(learned, "every row learned or shed", 60, 0.2)
        rows = store.view("challenger_history", newest_first=False)
        assert [row["rows"] + row["shed_rows"] for row in rows] == [PER_HOUR] * HOURS
        whole = [row for row in rows if not row["shed_rows"]]
        wrong = (frame["prediction"] != frame["label"]).groupby(frame.index // PER_HOUR).mean()
        by_start = dict(zip(sorted(row["window_start"] for row in rows), wrong, strict=True))
        assert whole
        for row in whole:
            assert row["production_error"] == pytest.approx(by_start[row["window_start"]])
            assert row["low"] <= row["difference"] <= row["high"]
        assert reader.keeper.joiner.table.entries("loans") <= HOURS * PER_HOUR
    finally:
        reader.close()
