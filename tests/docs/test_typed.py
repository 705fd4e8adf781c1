"""Every command in the pages is executed: here, by another test that is named, or not for a stated reason."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monitor.clock import SystemClock
from tests.alerts.receivers import WebReceiver, web_receiver
from tests.docs.pages import ALL, REWRITES, ROOT, all_blocks, blocks, marked, rewrite
from tests.docs.reader import Reader
from tests.docs.typist import NOT_TYPED, Typist, is_typed
from tests.monitor.cli.worlds import World

TUTORIAL = "docs/tutorial.md"
TYPED = [name for name in ALL if name != TUTORIAL and any(block.kind == "sh" for block in all_blocks(name))]
CONFIG = """
[kafka]
bootstrap_servers = ["localhost:9092"]
[database]
url = "sqlite:///driftd.sqlite"
[models.churn]
topics = ["predictions"]
labels_topics = ["labels"]
window = "1d"
[alerts.services]
oncall = { env = "DRIFTD_SLACK_URL" }
"""
SLACK = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 15


def rows(begin: datetime, days: int, *, age: float = 40.0, seed: int = 1) -> pd.DataFrame:
    """Give fifteen rows an hour of a churn model that is mostly right."""
    rng = np.random.default_rng(seed)
    count = 360 * days
    score = rng.random(count).round(3)
    return pd.DataFrame(
        {
            "id": [f"{seed}-{number}" for number in range(count)],
            "timestamp": [begin + timedelta(minutes=4 * number) for number in range(count)],
            "age": rng.normal(age, 12, count),
            "plan": rng.choice(["free", "plus"], count),
            "prediction": (score > 0.5).astype(int),
            "score": score,
            "label": (rng.random(count) < score).astype(int),
        }
    )


def files_of_a_reader(folder: Path) -> None:
    """Write the files that the pages take for granted."""
    midnight = SystemClock().now().replace(hour=0, minute=0, second=0, microsecond=0)
    training, log = rows(MARCH - timedelta(days=7), 7), rows(midnight - timedelta(days=2), 2, age=55, seed=2)
    training.to_parquet(folder / "train.parquet")
    training.to_csv(folder / "validation.csv", index=False)
    log.drop(columns="label").to_parquet(folder / "rows.parquet")
    log.drop(columns="label").to_csv(folder / "rows.csv", index=False)
    log[["id", "timestamp", "label"]].to_parquet(folder / "labels.parquet")
    log[["id", "timestamp", "label"]].to_csv(folder / "labels.csv", index=False)
    log.to_csv(folder / "since-the-change.csv", index=False)
    log.to_csv(folder / "last-week.csv", index=False)
    runs = ROOT / "tests" / "data" / "sacred" / "runs"
    shutil.copytree(runs / "1", folder / "runs" / "7")
    shutil.copytree(runs / "_resources", folder / "runs" / "_resources")


@pytest.fixture
def slack() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


def prepare(world: World) -> None:
    """Fill the database as it may be some time after a service was begun."""
    world.store.upgrade_schema()
    march = rows(MARCH, DAYS, seed=3)
    march.to_parquet(world.folder / "march.parquet")
    for command in (
        "reference build churn train.parquet",
        "replay churn march.parquet --write",
        "replay churn rows.parquet --write",
        "silence add model=churn --for 1h --comment one",
        "silence add model=churn --for 2h --comment two",
    ):
        assert world.run_bare(*command.split()).code == 0, command


@pytest.fixture
def typist(
    bare: World, slack: WebReceiver, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Typist:
    """Give a folder with a configuration, files, and a database with some history."""
    files_of_a_reader(bare.folder)
    typist = Typist(bare, monkeypatch)
    typist.write("sample.json", marked("docs/formats.md", "sample"))
    typist.write("config.toml", CONFIG)
    monkeypatch.setenv("DRIFTD_SLACK_URL", SLACK)
    monkeypatch.setenv("DRIFTD__ALERTS__SLACK_ROOT", f"{slack.url}/services")
    filled = tmp_path_factory.getbasetemp() / "filled.sqlite"
    if not filled.exists():
        prepare(bare)
        bare.close()
        shutil.copy(bare.file, filled)
    shutil.copy(filled, bare.file)
    assert bare.run_bare("export", "sagemaker", "churn", ".").code == 0  # constraints.json, statistics.json
    return typist


@pytest.mark.parametrize("name", TYPED)
def test_every_command_does_what_its_page_says(name: str, typist: Typist, slack: WebReceiver) -> None:
    reader = Reader(typist)
    for block in all_blocks(name):
        reader.follow(block)
    assert not slack.complaints
    if REWRITES:
        rewrite(name, reader.fresh)


def test_what_is_not_typed_has_a_test_of_its_own_or_a_reason() -> None:
    lines = [line for block in blocks("sh") for line in block.text.splitlines() if not is_typed(line)]
    for beginning, who in NOT_TYPED.items():
        assert any(beginning in line for line in lines), f"no page has {beginning!r}"
        assert not who.startswith("tests/") or (ROOT / who.partition(",")[0]).exists()


def test_the_tutorial_has_every_line_that_is_left_to_it() -> None:
    tutorial = "".join(block.text for block in all_blocks(TUTORIAL))
    for beginning, who in NOT_TYPED.items():
        if who.endswith("test_tutorial.py"):
            assert beginning in tutorial
