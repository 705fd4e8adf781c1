from __future__ import annotations

import json
import shutil
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from monitor.bridges.rounds import rounds
from monitor.clock import ManualClock
from monitor.errors import BridgeError
from monitor.lineage import data_version_of
from tests.monitor.bridges.mlflow_worlds import histories, registered, training_rows
from tests.monitor.cli.worlds import World
from tests.monitor.store.rows import AT, START, closed, performance

if TYPE_CHECKING:  # it takes seconds, which no other test shall spend
    from mlflow import MlflowClient

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # what MLflow warns of is its own matter
    pytest.mark.xdist_group("mlflow"),
]
START_S = 1_700_042_400  # 2023-11-15 10:00 UTC


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with MLflow's database, in which `churn` is registered."""
    folder = tmp_path_factory.mktemp("mlflow")
    client = registered(folder, f"sqlite:///{folder}/mlflow.db")
    client.set_registered_model_alias("churn", "champion", "1")
    return folder


@pytest.fixture
def served(
    trained: Path, bare: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MlflowClient]:
    """Give a copy of that database to work with; driftd finds it as MLflow itself does."""
    import mlflow  # noqa: PLC0415

    assert bare.folder == tmp_path
    shutil.copy(trained / "mlflow.db", tmp_path / "mlflow.db")
    address = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    mlflow.set_tracking_uri(address)
    yield mlflow.MlflowClient()
    mlflow.set_tracking_uri("")


def judge(world: World, day: int, *, older: float = 0.0) -> None:
    """Log and judge two hours; the people in it are so many years older."""
    frame = training_rows(600).assign(age=lambda rows: rows["age"] + older)
    rows: list[dict[str, Any]] = []
    for i, row in enumerate(frame.drop(columns=["split"]).to_dict("records")):
        prediction = int(row.pop("prediction"))
        features = {**row, "age": float(row["age"]), "owner": bool(row["owner"])}
        message = {"id": f"{day}-{i}", "timestamp": START_S + 86_400 * day + 12 * i, "features": features}
        rows.append(message | {"prediction": prediction})
    file = world.folder / f"{day}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ran = world.run("replay", "churn", str(file), "--write")
    assert ran.code == 0, ran.err


@pytest.mark.parametrize("address", ["models:/churn/1", "models:/churn@champion"])
@pytest.mark.usefixtures("served")
def test_a_registered_model_gives_the_reference_of_its_training_dataset(
    world: World, trained: Path, address: str
) -> None:
    ran = world.run("reference", "build", "churn", f"mlflow:{address}")
    assert ran.code == 0, ran.err
    assert "600 rows, in force" in ran.out
    assert "models:/churn/1: dataset customers, digest " in ran.out
    assert "ignored, as no inputs of the model: split" in ran.out
    (row,) = world.run("reference", "list", "--json").json
    assert row["source"] == "mlflow:models:/churn/1"
    assert row["data_version"] == data_version_of(trained / "train.parquet")
    shown = world.run("reference", "show", "churn").out
    kinds = {line.split()[0]: line.split()[1:4] for line in shown.splitlines() if line.split()[1:2]}
    assert kinds["age"][:2] == ["numeric", "int"]
    assert kinds["plan"][:2] == ["categorical", "str"]
    assert kinds["owner"][:2] == ["boolean", "bool"]
    assert kinds["split"][0] == "ignore"
    assert kinds["prediction"] == ["numeric", "int", "prediction"]


def test_a_file_that_changed_since_it_was_logged_is_noticed(
    served: MlflowClient, world: World, trained: Path
) -> None:
    file = trained / "train.parquet"
    kept = file.read_bytes()
    try:
        training_rows(500).to_parquet(file)
        ran = world.run("reference", "build", "churn", "mlflow:models:/churn/1")
    finally:
        file.write_bytes(kept)
    assert "has 500 rows now, 600 when it was logged" in ran.out
    assert served.get_model_version("churn", "1").tags == {}


def test_what_cannot_be_built_from_is_said_with_the_way_out(
    served: MlflowClient, world: World, tmp_path: Path
) -> None:
    address = f"sqlite:///{tmp_path}/mlflow.db"
    registered(tmp_path, address, context=None)
    registered(tmp_path, address, context="evaluation")
    registered(tmp_path, address, is_signed=False)
    registered(tmp_path, address, source=str(tmp_path / "gone.parquet"))
    (tmp_path / "train.parquet").rename(tmp_path / "moved.parquet")
    served.create_model_version("churn", source="models:/churn/1", run_id=None)
    way = 'log it with mlflow.log_input(dataset, context="training"), or name the file itself'
    for version, said in (
        ("2", "has no dataset of the context training"),
        ("3", "has no dataset of the context training"),
        ("6", "was registered without a run"),
    ):
        ran = world.run("reference", "build", "churn", f"mlflow:models:/churn/{version}")
        assert (ran.code, ran.out) == (1, "")
        assert f"models:/churn/{version}: " in ran.err
        assert said in ran.err
        assert way in ran.err
    for source, said in (
        ("mlflow:models:/churn/5", "gone.parquet"),
        ("mlflow:models:/churn/99", "MLflow: Model Version (name=churn, version=99) not found"),
        ("mlflow:models:/churn@nobody", "MLflow: "),
        ("mlflow:models:/churn/Production", "write models:/NAME/VERSION or models:/NAME@ALIAS"),
    ):
        ran = world.run("reference", "build", "churn", source)
        assert (ran.code, ran.out) == (1, ""), source
        assert said in ran.err
    (tmp_path / "moved.parquet").rename(tmp_path / "train.parquet")
    ran = world.run("reference", "build", "churn", "mlflow:models:/churn/4")
    assert ran.code == 0
    assert "the model has no signature of columns" in ran.out
    assert "ignored" not in ran.out


def test_results_are_metrics_of_a_run_with_one_point_a_window_and_feature(
    served: MlflowClient, world: World
) -> None:
    assert world.run("reference", "build", "churn", "mlflow:models:/churn@champion").code == 0
    judge(world, 0)
    judge(world, 1, older=30.0)
    ran = world.run("export", "mlflow", "churn", "--since", "2023-11-01")
    assert ran.code == 0, ran.err
    assert "metrics of 4 windows logged to run " in ran.out
    run_id = ran.out.split()[-1]
    found = histories(served, run_id)
    assert {"rows", "drifted", "failed_checks", "drift/age", "drift/plan", "drift/prediction"} <= found.keys()
    assert not any(name.startswith("drift/split") for name in found)
    steps = [(START_S + 86_400 * day + 3600 * hour) // 60 for day in (0, 1) for hour in (0, 1)]
    assert [step for step, _ in found["drift/age"]] == steps
    effects = [value for _, value in found["drift/age"]]
    assert max(effects[:2]) < 0.1
    assert min(effects[2:]) > 0.3
    assert [value for _, value in found["drifted"]][:2] == [0.0, 0.0]
    rows = world.run("history", "--kind", "drift", "--all", "--feature", "age", "--json", "-n", "99").json
    told = {
        row["window_start"]: row["effect"] for row in rows if (row["detector"], row["multiple"]) == ("ks", 1)
    }
    assert effects == [told[start] for start in sorted(told)]

    run = served.get_run(run_id)
    assert run.info.run_name == "driftd/churn"
    assert run.data.tags["driftd.registered_model"] == "models:/churn/1"
    tags = served.get_model_version("churn", "1").tags
    reference = world.run("reference", "list", "--json").json[0]["id"]
    assert tags["driftd.reference"] == run.data.tags["driftd.reference"] == reference
    assert (tags["driftd.run"], tags["driftd.verdict"]) == (run_id, "drift")
    assert tags["driftd.window"] == "2023-11-16T11:00:00+00:00"


def test_what_was_logged_is_logged_once_also_when_a_round_breaks_off(
    served: MlflowClient, world: World
) -> None:
    assert world.run("reference", "build", "churn", "mlflow:models:/churn/1").code == 0
    judge(world, 0)
    run_id = world.run("export", "mlflow", "churn", "--since", "2023-11-01").out.split()[-1]
    first = histories(served, run_id)
    ran = world.run("export", "mlflow", "churn", "--since", "2023-11-01")
    assert ran.out == f"0 metrics of 0 windows logged to run {run_id}\n"
    served.delete_tag(run_id, "driftd.exported_until")  # as after a crash between metrics and how far they go
    ran = world.run("export", "mlflow", "churn", "--since", "2023-11-01")
    assert "metrics of 2 windows" in ran.out
    assert histories(served, run_id) == first
    judge(world, 1)
    ran = world.run("export", "mlflow", "churn")
    assert "metrics of 2 windows" in ran.out
    assert [len(points) for points in histories(served, run_id).values()] == [4] * len(first)


def test_realised_performance_is_logged_once_when_no_label_can_come_any_more(
    served: MlflowClient, world: World
) -> None:
    from monitor.bridges.mlflow.results import Subject, log  # noqa: PLC0415

    world.close_windows(closed(0), closed(1))
    estimates = [performance(hour, is_estimate=True, value=0.9) for hour in (0, 1)]
    found = [performance(0), performance(1, value=0.95), performance(1, "roc_auc", value=None), *estimates]
    with world.store.lock("churn") as lock:
        assert lock is not None
        lock.performance(tuple(found), AT)
    subject = Subject("churn", "v1", None, timedelta(days=30))
    first = datetime.fromtimestamp(START / 1000, UTC)
    soon = log(served, world.store, subject, "driftd", first, first + timedelta(days=20))
    assert histories(served, soon.run_id).keys() == {"rows", "drifted", "failed_checks", "estimated/accuracy"}
    late = log(served, world.store, subject, "driftd", first, first + timedelta(days=30, minutes=1))
    assert late.run_id == soon.run_id
    logged = histories(served, late.run_id)
    assert logged["realised/accuracy"] == [(START // 60_000, 0.91)]
    log(served, world.store, subject, "driftd", first, first + timedelta(days=31))
    logged = histories(served, late.run_id)
    assert logged["realised/accuracy"] == [(START // 60_000, 0.91), (START // 60_000 + 60, 0.95)]
    assert "realised/roc_auc" not in logged
    again = log(served, world.store, subject, "driftd", first, first + timedelta(days=32))
    assert (again.metrics, histories(served, late.run_id)) == (0, logged)
    assert served.get_run(late.run_id).info.run_name == "driftd/churn/v1"


def test_an_mlflow_that_is_away_is_said_and_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow  # noqa: PLC0415

    from monitor.bridges.mlflow.results import Subject, log  # noqa: PLC0415

    subject = Subject("churn", "", None, timedelta(days=30))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    mlflow.set_tracking_uri("http://127.0.0.1:9")
    try:
        ran = world.run("export", "mlflow", "churn")
        assert (ran.code, ran.out) == (1, "")
        assert "MLflow: API request to http://127.0.0.1:9" in ran.err
        clock, stop = ManualClock(datetime(2026, 3, 1, tzinfo=UTC)), threading.Event()
        said: list[str] = []

        def attempt() -> bool:
            return log(mlflow.MlflowClient(), world.store, subject, "x", clock.now(), clock.now()).is_all

        def one() -> bool:
            if len(said) < 2:
                return attempt()
            stop.set()
            return True

        rounds(one, clock, stop, 60.0, said.append)
        assert len(said) == 2
        assert all(text.endswith("; tried again in 60 s") for text in said)
        assert clock.monotonic() == 180.0
        stop.clear()
        with pytest.raises(BridgeError):
            rounds(attempt, clock, stop, None, said.append)
    finally:
        mlflow.set_tracking_uri("")


@pytest.mark.parametrize(
    "arguments", [("export", "mlflow", "churn"), ("reference", "build", "churn", "mlflow:models:/churn/1")]
)
def test_without_the_package_the_way_to_get_it_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    for name in [name for name in sys.modules if name.startswith("monitor.bridges.mlflow")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    ran = world.run(*arguments)
    assert (ran.code, ran.out) == (1, "")
    assert "mlflow is not installed: pip install 'driftd[mlflow]'" in ran.err


def test_every_series_has_a_name_that_mlflow_takes_and_a_name_of_its_own(served: MlflowClient) -> None:
    names = [
        "drift/age", "drift/a b", "drift/a@b", "drift/a_b", "drift/größe", "drift/", "drift/..", "drift//x",
        "drift/ a", "drift/" + "x" * 300, "drift/" + "x" * 299 + "y", "/x", "drift/a:b", "drift/\ud800",
    ]  # fmt: skip
    from monitor.bridges.mlflow.results import metric_name  # noqa: PLC0415

    given = [metric_name(name) for name in names]
    assert given[:2] == names[:2]
    assert len(set(given)) == len(names)
    run = served.create_run(served.create_experiment("names"))
    for name in given:
        served.log_metric(run.info.run_id, name, float(np.pi))
    assert served.get_run(run.info.run_id).data.metrics.keys() == set(given)
