"""An experiment on the view of a model's performance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.config import parse
from monitor.store.page import open_reader
from monitor.store.sql import open_store
from tests.monitor.cli.worlds import CONFIG
from tests.monitor.page.conftest import migrated
from tests.monitor.page.reading import Site
from tests.monitor.store.rows import AT, MODEL, close, closed, experiment_result, held

PAYLOAD = '"><script>alert(1)</script>'


@pytest.fixture
def experimenting(tmp_path: Path) -> Iterator[Site]:
    """Give the page on three windows of an experiment, whose second treatment is an attack."""
    url = migrated(tmp_path)
    store = open_store(url)
    store.register_models([MODEL], AT)
    close(store, *(closed(hour) for hour in range(3)))
    results = [experiment_result(hour, conclusion="better" if hour else "open") for hour in range(3)]
    results += [
        experiment_result(2, variant=PAYLOAD),
        experiment_result(2, kind="split", measure="rows", low=None),
    ]
    with store.lock(MODEL) as lock:
        held(lock).experiment_results(tuple(results), AT)
    store.close_connections()
    reader = open_reader(url)
    yield Site.of(parse(CONFIG.format(folder=tmp_path)), reader)
    reader.close()


def test_the_difference_is_drawn_over_time_and_every_figure_stands_in_a_table(experimenting: Site) -> None:
    page = experimenting.page(f"performance?m={MODEL}")
    titles = [caption.text for caption in page.all("figcaption")]
    assert any("revenue: v2 less the control" in title for title in titles)
    (table,) = [each for each in page.all("table") if "Experiment" in each.text or "lift from" in each.text]
    assert len(table.one("tbody").all("tr")) == 5
    assert "98 %" in table.text


def test_a_variants_name_is_no_markup(experimenting: Site) -> None:
    body = experimenting.body(f"performance?m={MODEL}")
    assert "<script>alert" not in body
    assert "&lt;script&gt;alert(1)" in body


def test_a_model_without_an_experiment_shows_none(tmp_path: Path) -> None:
    reader = open_reader(migrated(tmp_path))
    body = Site.of(parse(CONFIG.format(folder=tmp_path)), reader).body(f"performance?m={MODEL}")
    assert "Experiment" not in body
    reader.close()
