from __future__ import annotations

import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from detectors.dictionary_file import from_toml, to_toml
from detectors.warm_up import rows_of
from monitor.challenger.feeding import warning_finding
from monitor.challenger.learner import Learner
from monitor.challenger.results import EarlyWarning
from monitor.challenger.state import write_state
from monitor.challenger.terms import state_path
from monitor.store.base import ChallengerResult, Lease, Progress
from tests.monitor.challenger.streams import DICTIONARY, HOUR_MS, TERMS, stream
from tests.monitor.cli.worlds import CONFIG, World
from tests.monitor.labelled_worlds import labelled_plan
from tests.monitor.store.rows import AT, HOUR, MODEL, START

CHALLENGED = CONFIG + "[models.churn.challenger]\n"
SAVED_MS = START + 90_000


def window(hour: int, production: int, challenger: int, **changes: Any) -> ChallengerResult:
    rows = 1_000
    difference = (challenger - production) / rows
    start_ms = START + hour * HOUR
    known: dict[str, Any] = {
        "model": MODEL, "start_ms": start_ms, "end_ms": start_ms + HOUR, "base": "arf", "rule": "grid",
        "rows": rows, "production_errors": float(production), "challenger_errors": float(challenger),
        "difference": difference, "low": difference - 0.02, "high": difference + 0.02,
        "scored_rows": 500, "abstention_share": 0.234, "shed_rows": 1_234,
    }  # fmt: skip
    return ChallengerResult(**known | changes)


def told(world: World, *windows: ChallengerResult) -> None:
    world.configure(CHALLENGED)
    world.store.commit(Progress(challenger=windows))


def shown(world: World, *arguments: str) -> str:
    ran = world.run("challenger", "show", MODEL, *arguments)
    assert (ran.code, ran.err) == (0, "")
    return " ".join(ran.out.split())


def test_windows_are_shown_newest_first_with_a_sentence_on_retraining(world: World) -> None:
    told(world, window(0, 140, 150), window(1, 200, 80))
    text = shown(world)
    assert "challenger of churn: arf, abstaining rule grid" in text
    assert "2026-03-01 01:00 1k 20 % 8 % -14.0 to -10.0 23 % 1.23k 2026-03-01 00:00" in text
    assert "retraining is likely to help: on these 2,000 rows production errs on 17 %" in text
    assert "a model that kept learning on 12 % (difference -6.9 to -4.1 points)" in text


def test_lines_fit_80_columns(world: World) -> None:
    told(world, window(0, 1_000, 0, rows=1_234_567, shed_rows=1_234_567, low=-1.0, high=1.0))
    header, row = world.run("challenger", "show", MODEL).out.splitlines()[1:3]
    assert header.split()[-1] == "shed"
    assert row.split()[-1] == "1.23M"  # nothing was broken over two lines
    assert len(row) <= 80


@pytest.mark.parametrize(("production", "challenger"), [(140, 141), (140, 300)])
def test_no_better_is_said(world: World, production: int, challenger: int) -> None:
    told(world, window(0, production, challenger))
    assert "retraining alone may not help" in shown(world)


def test_windows_without_labelled_rows_have_no_figures_and_no_advice(world: World) -> None:
    nothing = {"rows": 0, "difference": float("nan"), "low": float("nan"), "high": float("nan")}
    told(world, window(0, 0, 0, **nothing, scored_rows=0, abstention_share=None))
    text = shown(world)
    assert "2026-03-01 00:00 0 1.23k too few labelled rows" in text


def test_machines_get_every_column(world: World) -> None:
    told(world, window(0, 140, 150), window(1, 200, 80))
    rows = world.run("challenger", "show", MODEL, "--json").json
    assert [row["challenger_error"] for row in rows] == [0.08, 0.15]
    assert rows[0]["low"] == pytest.approx(-0.14)


def test_what_the_limit_leaves_out_is_said(world: World) -> None:
    told(world, window(0, 140, 150), window(1, 200, 80))
    ran = world.run("challenger", "show", MODEL, "--json", "--limit", "1")
    assert len(ran.json) == 1
    assert "--limit N" in ran.err


def test_the_machine_that_the_challenger_learns_on_is_named(world: World) -> None:
    told(world, window(0, 140, 150))
    assert "learns on" not in shown(world)
    until = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    world.store.hold_challenger(Lease(MODEL, "box-1a2b3c4d", until), until)
    world.store.hold_challenger(Lease("other", "elsewhere", until), until)
    assert shown(world).startswith("learns on box-1a2b3c4d, at least until 1 Mar 2026 12:30 UTC ")


def test_the_latest_early_warning_is_shown(world: World) -> None:
    told(world, window(0, 140, 150))
    assert "early warning" not in shown(world)
    warnings = [EarlyWarning(MODEL, START + at * HOUR, START + at * HOUR, 0.1, 0.3, 9) for at in (1, 2)]
    with world.store.lock(MODEL) as lock:
        assert lock is not None
        mine = (replace(warning_finding(labelled_plan(), each), model=MODEL) for each in warnings)
        lock.findings(tuple(mine), AT)
    unsure = "more of the challenger's members are unsure: 10% to 30% since 1 Mar 2026 02:00 UTC"
    assert shown(world).endswith(f"early warning: {unsure}")
    history = world.run("history", "--model", MODEL, "--feature", "challenger", "--verdict", "warn", "--json")
    assert [row["detector"] for row in history.json] == ["abstention"] * 2


def test_why_there_is_nothing_to_show(world: World) -> None:
    assert "has no challenger: [models.churn.challenger] in" in shown(world)
    world.configure(CHALLENGED)
    assert "no labelled rows of churn have reached its challenger yet" in shown(world)
    ran = world.run("challenger", "show", "churm")
    assert ran.code == 2
    assert 'did you mean "churn"?' in " ".join(ran.err.split())


# -- export ---------------------------------------------------------------------------------------------


@pytest.fixture
def trained(world: World) -> World:
    """Give a world whose service has saved a challenger with a label-wise perfect memory of one window."""
    world.configure(CHALLENGED)
    terms = msgspec.structs.replace(TERMS, model=MODEL)
    learner = Learner(terms, HOUR_MS)
    learner.warm_up(rows_of(stream(400, seed=9).warm_up()))
    learner.take(stream(200).labelled(hour=START // HOUR_MS))
    folder = world.folder / "driftd-state"
    folder.mkdir()
    write_state(state_path(folder, MODEL), learner.state(SAVED_MS, "label", to_toml(DICTIONARY)))
    return world


SCRIPT = """
import json, os, sys, zipfile
folder = sys.argv[1]
zipfile.ZipFile(folder + "/out.zip").extractall(folder)
card = json.load(open(folder + "/card.json"))
os.chdir(folder)
names = {}
exec(card["how_to_load"], names)  # its own example is a row that works
model = names["model"]
row = {"a": 1.0, "b": 1.0, "c": 5.0}
print(card["classes"][model.predict_one(row)], sum(model.predict_proba_one(row).values()))
"""


def test_an_export_loads_in_a_fresh_interpreter_and_predicts(trained: World) -> None:
    ran = trained.run("challenger", "export", MODEL, "out.zip")
    assert ran.code == 0
    assert "challenger of churn (adwin_bagging), as saved 1 Mar 2026 00:01 UTC" in ran.out
    assert "600 rows learned" in ran.out
    fresh = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(trained.folder)], capture_output=True, text=True, check=True
    )
    answer, total = fresh.stdout.split()
    assert answer == "under"
    assert float(total) == pytest.approx(1.0)


def test_the_card_says_what_it_is_and_how_it_did(trained: World) -> None:
    trained.run("challenger", "export", MODEL, "out.zip")
    with zipfile.ZipFile(trained.folder / "out.zip") as archive:
        assert sorted(archive.namelist()) == ["card.json", "dictionary.toml", "model.pickle"]
        assert from_toml(archive.read("dictionary.toml").decode()) == DICTIONARY
        card = msgspec.json.decode(archive.read("card.json"))
    assert (card["base"], card["rule"], card["seed"]) == ("adwin_bagging", "grid", 3)
    assert (card["learned_rows"], card["classes"], card["label"]) == (600, ["over", "under"], "label")
    assert card["features"][0] == {"name": "a", "kind": "numeric"}
    assert card["versions"]["river"] == TERMS.river
    assert f"river=={TERMS.river}" in card["needs"]
    done = card["prequential"]
    assert (done["rows"], done["since"], done["until"]) == (
        200, "2026-03-01T00:00:00Z", "2026-03-01T01:00:00Z",
    )  # fmt: skip
    rows = stream(200).labelled()
    assert done["production_error"] == np.mean([row.prediction != row.label for row in rows])
    assert done["low"] <= done["difference"] <= done["high"]


def test_a_file_is_only_replaced_when_asked_to(trained: World) -> None:
    file = trained.folder / "out.zip"
    file.write_text("precious")
    ran = trained.run("challenger", "export", MODEL, "out.zip")
    assert ran.code == 1
    assert "out.zip is there already" in ran.err
    assert file.read_text() == "precious"
    assert trained.run("challenger", "export", MODEL, "out.zip", "--force").code == 0
    assert zipfile.is_zipfile(file)


def test_a_folder_that_is_not_there_is_told(trained: World) -> None:
    ran = trained.run("challenger", "export", MODEL, "nowhere/out.zip")
    assert ran.code == 1
    assert "nowhere/out.zip: cannot be written: No such file or directory" in ran.err


def test_why_there_is_nothing_to_export(world: World) -> None:
    ran = world.run("challenger", "export", MODEL, "out.zip")
    assert ran.code == 1
    assert "model churn has no challenger: add [models.churn.challenger] to" in ran.err
    world.configure(CHALLENGED)
    ran = world.run("challenger", "export", MODEL, "out.zip")
    assert "challenger-churn.state does not exist: `driftd run` writes it every minute" in ran.err
    assert world.run("challenger", "export", "churm", "out.zip").code == 2
    assert not Path("out.zip").exists()


def test_a_state_that_cannot_be_trusted_is_not_exported(trained: World) -> None:
    state_path(trained.folder / "driftd-state", MODEL).chmod(0o666)
    ran = trained.run("challenger", "export", MODEL, "out.zip")
    assert ran.code == 1
    assert "others can write it" in ran.err
