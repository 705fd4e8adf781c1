from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from detectors.dictionary import Dictionary
from detectors.result import Verdict
from monitor.mattering import weighed
from monitor.source.base import TopicPartition
from tests.monitor.worlds import chunk, log, new_engine, new_store, plan, reference, rows_of

P0 = TopicPartition("predictions", 0)


def dictionary(**importances: float) -> Dictionary:
    features = dict(reference().dictionary.features)
    for name, importance in importances.items():
        features[name] = msgspec.structs.replace(features[name], importance=importance)
    return Dictionary(features)


def drifted(known: Dictionary) -> list[dict[str, object]]:
    """What is found in a log whose ages moved."""
    store, of_plan = new_store(), plan()
    of_plan = replace(of_plan, reference=replace(of_plan.reference, dictionary=known))
    engine = new_engine(store, [P0], {"loans": of_plan})
    engine.take([chunk(P0, log(3, shift_from_hour=1.0))])
    engine.commit()
    engine.close_windows(everything=True)
    return [row for row in rows_of(store, "drift_history") if row["verdict"] == Verdict.DRIFT]


def test_what_moved_is_weighed_by_the_features_importance() -> None:
    rows = drifted(dictionary(age=0.1, country=0.3, owner=0.2))
    assert rows
    for row in rows:
        told = row["details"]
        assert isinstance(told, dict)
        assert (told["importance"], told["importance_rank"], told["importance_of"]) == (0.1, 3, 3)
        assert told["matters"] == pytest.approx(row["effect"] * 0.5)  # type: ignore[operator]


def test_a_feature_without_importance_counts_as_a_mean_one() -> None:
    for row in drifted(dictionary(country=0.3, owner=0.2)):
        assert row["details"]["matters"] == pytest.approx(row["effect"])  # type: ignore[index]
        assert "importance" not in row["details"]  # type: ignore[operator]


@pytest.mark.parametrize("known", [dictionary(), dictionary(age=-1.0), dictionary(age=0.0)])
def test_nothing_is_weighed_without_any_importance(known: Dictionary) -> None:
    assert tuple(weighed((), known)) == ()
    assert all("matters" not in row["details"] for row in drifted(known))  # type: ignore[operator]


def test_an_alert_names_the_owner_of_its_feature() -> None:
    features = dict(reference().dictionary.features)
    features["age"] = msgspec.structs.replace(features["age"], owner="risk team")
    store, of_plan = new_store(), plan()
    of_plan = replace(of_plan, reference=replace(of_plan.reference, dictionary=Dictionary(features)))
    engine = new_engine(store, [P0], {"loans": of_plan})
    engine.take([chunk(P0, log(3, shift_from_hour=1.0))])
    engine.commit()
    engine.close_windows()
    (age,) = store.view("alert_history", where={"feature": "age"})
    assert age["annotations"]["owner"] == "risk team"
    assert "(owner: risk team)" in age["summary"]
