"""Counts that were added up to days: shown where a day fits in, and nowhere taken for an hour's."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from detectors.reference_wire import decode
from monitor.config.durations import Age
from monitor.rollup import RollUp
from monitor.store.base import ReferenceRow, Store
from monitor.store.page import open_reader
from monitor.store.sql import open_store
from tests.monitor.page.conftest import migrated
from tests.monitor.page.reading import Site
from tests.monitor.page.worlds import HOUR_MS, NOW, START_MS, Names, fill

pytestmark = pytest.mark.xdist_group("page")

MODEL = Names().drifting
ONE_HOUR = f"feature?m={MODEL}&f=income&at=2026-03-01T04:00:00Z"


def kept(store: Store, name: str) -> list[ReferenceRow]:
    return [row for row in (store.active_reference(name),) if row is not None]


def test_a_days_counts_are_not_taken_for_an_hours(tmp_path: Path) -> None:
    url = migrated(tmp_path)
    config = fill(url, tmp_path / "join", hours=27)
    store, reader = open_store(url), open_reader(url)
    site = Site.of(config, reader)
    references = {row.id: decode(row.payload) for name in config.models for row in kept(store, name)}
    reference = kept(store, MODEL)[0]
    try:
        assert "80 values" in site.page(ONE_HOUR).one("section", aria_labelledby="values").text
        rolling = RollUp(store, Age.parse("1d"), references.get)
        assert rolling.step(NOW + timedelta(days=9))
        after = site.page(ONE_HOUR).one("section", aria_labelledby="values")
        assert "There is no picture of this window" in after.text
        with reader.look() as look:
            day = look.days(MODEL, "income", reference.id, START_MS, START_MS + 24 * HOUR_MS)
            assert [start for start, _ in day] == [START_MS]
            assert look.days(MODEL, "income", reference.id, START_MS, START_MS + 23 * HOUR_MS) == []
            assert look.days(MODEL, "income", "another", START_MS, START_MS + 24 * HOUR_MS) == []
    finally:
        reader.close()
        store.close_connections()
