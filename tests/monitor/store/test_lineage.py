"""What results come from is kept beside them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from detectors.result import Shift
from monitor.store.base import Alerting, ConfigRow, Deployment, Store
from tests.monitor.store.rows import (
    AT,
    HOUR,
    MODEL,
    START,
    alert,
    close,
    closed,
    finding,
    held,
    later,
    performance,
    reference,
)

ROW = ConfigRow("c0ffee", "0.1.0", {"models": {MODEL: {"min_rows": 50}}}, AT)


def test_a_configuration_is_kept_once_with_its_first_and_last_use(store: Store) -> None:
    store.register_config(ROW)
    store.register_config(replace(ROW, driftd_version="0.2.0", at=later(days=1)))
    (row,) = store.view("configs")
    assert row == {
        "hash": "c0ffee",
        "driftd_version": "0.2.0",
        "first_seen": AT,
        "last_seen": later(days=1),
        "settings": ROW.settings,
    }


def test_a_running_process_keeps_its_configuration_in_use(store: Store) -> None:
    store.register_config(ROW)
    me = Deployment("1", "host/1", "driftd", "config.toml", "c0ffee", AT, AT)
    for at, seen in ((later(seconds=30), AT), (later(minutes=2), later(minutes=2)), (AT, later(minutes=2))):
        store.beat(replace(me, beat_at=at))
        assert store.view("configs")[0]["last_seen"] == seen


def test_an_alert_says_what_its_evidence_was_found_with(store: Store) -> None:
    store.register_config(ROW)
    store.add_reference(reference(data_version="sha256:1"))
    evidence = {"reference_id": "ref", "model_version": "v1", "config_hash": "c0ffee"}
    with store.lock(MODEL) as lock:
        held(lock).write(Alerting(alerts=(alert(annotations=evidence), alert("plan", annotations={}))))
    found = {row["feature"]: row for row in store.view("lineage")}
    age, plan = found["age"], found["plan"]
    assert [age[name] for name in evidence] == ["ref", "v1", "c0ffee"]
    assert (age["data_version"], age["reference_source"], age["reference_rows"]) == (
        "sha256:1", "train.parquet", 1000,
    )  # fmt: skip
    assert (age["driftd_version"], age["config_first_seen"]) == ("0.1.0", AT)
    assert (plan["reference_id"], plan["data_version"]) == ("", None)


def test_results_have_the_configuration_of_their_window_or_their_own(store: Store) -> None:
    earlier = finding(start_ms=START - 2 * HOUR, end_ms=START, multiple=2, shift=Shift.PRIOR)
    close(store, closed(0, (finding(), earlier), config_hash="c0ffee"))
    with store.lock(MODEL) as lock:
        held(lock).performance((performance(),), AT, "decaf")
        held(lock).findings((finding(feature="loss", detector="adwin"),), AT, "decaf")
    found = {row["feature"]: row["config_hash"] for row in store.view("drift_history", where={"multiple": 1})}
    assert found == {"age": None, "loss": "decaf"}
    (longer,) = store.view("drift_history", where={"multiple": 2})
    assert longer["config_hash"] == "c0ffee"  # no window ends with it
    assert store.view("performance_history")[0]["config_hash"] == "decaf"
    assert store.view("window_history")[0]["config_hash"] == "c0ffee"


def test_what_training_data_a_reference_was_built_from_is_said_once(store: Store) -> None:
    store.add_reference(reference())
    store.add_reference(reference(data_version="v7"))
    store.add_reference(reference(data_version="v8", built_at=AT + timedelta(days=1)))
    (row,) = store.view("refs")
    assert (row["data_version"], row["built_at"]) == ("v7", AT)
