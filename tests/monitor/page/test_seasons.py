"""A feature beside what the reference looks like in the hours of the window."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.compile import model_plan
from monitor.references import stored
from monitor.store.page import open_reader
from monitor.store.sql import open_store
from tests.monitor.page.conftest import migrated
from tests.monitor.page.reading import Site
from tests.monitor.test_seasons import LATER_MS, P0, SEASON, messages, reference, stream
from tests.monitor.worlds import NOW, chunk, config, new_engine

VALUES = "feature?m=loans&f=age&until=2026-02-11T00:00:00Z"


@pytest.mark.parametrize("season", [SEASON, ""])
def test_a_feature_is_drawn_beside_the_hours_that_its_window_is_of(tmp_path: Path, season: str) -> None:
    """Two hours in which ages are the highest of the day, as they are in these hours of the reference."""
    url, settings = migrated(tmp_path), config(season)
    store = open_store(url)
    store.register_models(["loans"], NOW)
    store.add_reference(stored(reference(), active=True))
    plan = model_plan("loans", settings.models["loans"], settings.alerts, reference(), 1_000_000)
    engine = new_engine(store, [P0], {"loans": plan})
    engine.take([chunk(P0, messages(stream(1, LATER_MS, 3)[5 * 60 : 7 * 60]))])
    engine.commit()
    engine.close_windows(everything=True)
    reader = open_reader(url)
    shares = Site.of(settings, reader).page(VALUES).one("section", aria_labelledby="values").one("table")
    reader.close()
    store.close_connections()
    lines = [[cell.text for cell in line.all("td")] for line in shares.one("tbody").all("tr")]
    before, now = ([float(line[at].strip("under %") or 0) for line in lines] for at in (0, 1))
    apart = sum(abs(one - other) for one, other in zip(before, now, strict=True)) / 2
    assert (apart < 25) is bool(season)
