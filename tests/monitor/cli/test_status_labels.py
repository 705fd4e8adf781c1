"""What `driftd status` says of models that get labels."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from detectors.result import Shift, Verdict
from monitor.cli.condition import Limits, limits_of
from monitor.clock import SystemClock
from monitor.config import Duration, Model
from monitor.source.base import TopicPartition
from monitor.store.base import Advance, Beat, PartitionClock, Progress, Sample
from tests.monitor.cli.worlds import CONFIG, NOW_MS, World
from tests.monitor.store.rows import AT, HOUR, MODEL, START, closed, finding, performance, result

LABELLED = CONFIG.replace('topics = ["predictions"]', 'topics = ["predictions"]\nlabels_topics = ["labels"]')
AN_HOUR = timedelta(hours=1)


@pytest.fixture
def told(world: World) -> World:
    """Give three judged windows; labels of two are published, those that came in the first are learned."""
    world.configure(LABELLED)
    world.close_windows(*(closed(hour, rows=5_000) for hour in range(3)))
    numbers: dict[str, Any] = {"labelled_rows": 4_800, "label_ratio": 0.96}
    with world.store.lock(MODEL) as lock:
        assert lock is not None
        lock.performance(
            (
                performance(0, labelled_rows=5_000, label_ratio=1.0),
                performance(1, **numbers),
                performance(1, "roc_auc", **numbers),
                performance(1, multiple=2, start_ms=START + 2 * HOUR, end_ms=START + 4 * HOUR, **numbers),
                performance(2, is_estimate=True, labelled_rows=0, label_ratio=None),
            ),
            AT,
        )
        lock.findings((stepped(0), stepped(2, "accuracy", "residual"), stepped(2, "car_value", "psi")), AT)
    return world


def stepped(hour: int, feature: str = "bias", detector: str = "adwin") -> Any:
    found = finding(hour, feature, detector=detector, shift=Shift.CONCEPT, verdict=Verdict.OK)
    return replace(found, result=result(effect=0.9))


def labels_of(world: World) -> Any:
    (model,) = world.run("status", "--json").json["models"]
    return model["labels"]


def test_a_model_with_labels_says_how_far_they_have_come(told: World) -> None:
    lines = told.run("status").out.splitlines()
    at = next(number for number, line in enumerate(lines) if "published until" in line)
    assert " ".join(lines[at].split()) == "model published until labels learned until"
    assert " ".join(lines[at + 1].split()) == "churn 2026-03-01 02:00 4,800 (96 %) 2026-03-01 01:00"
    assert max(map(len, lines)) <= 80
    assert labels_of(told) == {
        "published_until": "2026-03-01T02:00:00+00:00",
        "labelled_rows": 4_800,
        "label_ratio": 0.96,
        "learned_until": "2026-03-01T01:00:00+00:00",
    }


def test_what_labels_say_is_not_what_moved_most(told: World) -> None:
    (model,) = told.run("status", "--json").json["models"]
    assert model["worst"] is None


def test_before_the_first_labels_nothing_is_published(world: World) -> None:
    world.configure(LABELLED)
    assert labels_of(world) == dict.fromkeys(
        ("published_until", "labelled_rows", "label_ratio", "learned_until")
    )
    assert "churn  nothing yet              nothing yet" in world.run("status").out


def test_models_without_labels_have_no_such_line(told: World) -> None:
    told.configure(LABELLED + '[models.fraud]\ntopics = ["frauds"]\n')
    text = told.run("status").out
    assert (text.count("churn "), text.count("fraud ")) == (2, 1)
    told.configure(CONFIG)
    assert "published until" not in told.run("status").out
    assert labels_of(told) is None


def test_labels_may_be_silent_for_as_long_as_they_are_waited_for() -> None:
    waits = Duration.parse("3d")
    model = Model(topics=("p", "both"), labels_topics=("l", "both"), labels_wait=waits)
    assert limits_of(model, "l") == Limits(72 * AN_HOUR, limits_of(model).behind)
    assert limits_of(model, "p").quiet == limits_of(model, "both").quiet == 2 * AN_HOUR


def test_a_topic_of_labels_that_is_silent_for_a_day_is_fine(told: World) -> None:
    at = SystemClock().now() - 24 * AN_HOUR
    for topic in ("labels", "predictions"):
        partition = TopicPartition(topic, 0)
        clock = PartitionClock(MODEL, partition, NOW_MS, at, caught_up=True)
        now = SystemClock().now()
        beat = Beat(partition, "host/7", at, now, (Sample(int(now.timestamp() * 1000), 9, 9),))
        advances = (Advance(partition, None, 9, 9),)
        told.store.commit(Progress(advances=advances, clocks=(clock,), beats=(beat,)))
    rows = told.run("status", "--json").json["partitions"]
    assert {row["topic"]: row["state"] for row in rows} == {"labels": "OK", "predictions": "WARN"}
