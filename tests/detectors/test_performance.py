"""A performance reference: building it, its windows, its stored form."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from detectors import labelled as labelled_wire
from detectors import performance
from detectors.columns import Columns
from detectors.counts import count
from detectors.dictionary import Role
from detectors.frames import columns_from_frame
from detectors.grid import NumericGrid, numeric_grid
from detectors.inference import infer
from detectors.outputs import Outputs, Task
from detectors.performance import (
    PerformanceReference,
    Scored,
    build_performance,
    decode,
    encode,
    estimated,
    realised,
    summarise_scored,
)
from tests.detectors.performance_worlds import (
    BINARY,
    CLASS_ONLY,
    REGRESSION,
    THREE,
    World,
    binary_world,
    columns,
    regression_frame,
    regression_world,
    texts,
    three_world,
)

HOUR = 3_600_000
Times = NDArray[np.int64]


def binary_columns(world: World) -> Columns:
    return columns(predicted=world.rows.prediction, score=world.rows.scores[:, 0], label=world.labels)


def three_columns(world: World) -> Columns:
    scores = {f"score_{name}": world.rows.scores[:, at] for at, name in enumerate("abc")}
    named = {
        name: texts(*(None if np.isnan(value) else "abc"[int(value)] for value in values))
        for name, values in (("predicted", world.rows.prediction), ("label", world.labels))
    }
    return {**columns(**scores), **named}


def regression_columns(seed: int, rows: int, shift: float = 0.0) -> Columns:
    frame = regression_frame(np.random.default_rng(seed), rows, shift)
    return columns_from_frame(frame, infer(frame, {"label": Role.LABEL}))


def numeric_grids(given: Columns) -> dict[str, NumericGrid]:
    return {name: numeric_grid(given[name].present()) for name in ("size", "predicted", "label")}


def regression_reference(rows: int = 2000) -> PerformanceReference:
    given = regression_columns(1, rows)
    return build_performance(REGRESSION, given, grids=numeric_grids(given))


def test_a_reference_has_its_own_metrics_and_sums() -> None:
    world = binary_world(np.random.default_rng(2), 5000)
    reference = build_performance(BINARY, binary_columns(world))
    assert reference.rows == reference.labelled.rows == reference.scored.rows == 5000
    assert {one.metric: one.value for one in realised(reference, reference.labelled)} == {
        name: metric.value for name, metric in reference.metrics.items()
    }
    assert all(metric.windows == 0 for metric in reference.metrics.values())
    assert all(metric.design_effect == 1.0 for metric in reference.metrics.values())
    assert reference.labelled.label_counts.sum() == 5000


def test_windows_are_aligned_to_the_epoch_and_small_ones_are_left_out() -> None:
    world = binary_world(np.random.default_rng(3), 2000)
    times = np.arange(2000) * (HOUR // 200) + 7 * HOUR + 3 * HOUR // 4  # 50 rows, nine times 200, 150 rows
    reference = build_performance(BINARY, binary_columns(world), times, HOUR)
    metric = reference.metrics["accuracy"]
    parts = np.split(world.rows.prediction == world.labels, range(50, 2000, 200))
    by_window = np.array([part.mean() for part in parts[1:]])
    assert metric.windows == 10
    assert metric.window_mean == pytest.approx(by_window.mean())
    assert metric.window_deviation == pytest.approx(by_window.std())


def test_independent_rows_have_a_design_effect_of_about_one() -> None:
    world = binary_world(np.random.default_rng(4), 40_000)
    reference = build_performance(BINARY, binary_columns(world), np.arange(40_000) * 36_000, HOUR)
    for name in ("accuracy", "f1", "roc_auc", "log_loss", "brier"):
        assert reference.metrics[name].windows == 200, "evenly spread ones of 400"
        assert 1.0 <= reference.metrics[name].design_effect < 1.4


def test_rows_that_come_in_blocks_of_ten_have_a_design_effect_of_about_ten() -> None:
    world = binary_world(np.random.default_rng(5), 4000)
    blocks = world.take(np.repeat(np.arange(4000), 10))
    reference = build_performance(BINARY, binary_columns(blocks), np.arange(40_000) * 18_000, HOUR)
    assert reference.metrics["accuracy"].design_effect == pytest.approx(10.0, rel=0.25)


def references() -> Mapping[str, PerformanceReference]:
    rng = np.random.default_rng(6)
    times = np.arange(3000) * 60_000
    unscored = binary_world(rng, 300)
    return {
        "binary": build_performance(BINARY, binary_columns(binary_world(rng, 3000)), times, HOUR),
        "three": build_performance(THREE, three_columns(three_world(rng, 3000)), times, HOUR),
        "regression": regression_reference(),
        "no scores": build_performance(CLASS_ONLY, binary_columns(unscored)),
    }


@pytest.mark.parametrize("kind", ["binary", "three", "regression", "no scores"])
def test_the_stored_form_gives_the_same_reference_back(kind: str) -> None:
    reference = references()[kind]
    back = decode(encode(reference))
    assert encode(back) == encode(reference)
    assert back == reference
    assert back.fingerprint() == reference.fingerprint()
    assert realised(back, back.labelled) == realised(reference, reference.labelled)
    assert estimated(back, back.scored, {}) == estimated(reference, reference.scored, {})


def test_a_regression_stored_before_its_labels_were_counted_is_read_without_them() -> None:
    version, stored = msgspec.msgpack.decode(encode(regression_reference()))
    (rows, *numbers), sums, parts = (msgspec.msgpack.decode(stored["labelled"])[at] for at in (1, 2, 3))
    cells = 8 * (2 * len(zlib.decompress(stored.pop("label_points"))) // 8 + 1)
    delays = zlib.decompress(sums)[cells:]
    stored["labelled"] = msgspec.msgpack.encode((1, [rows, *numbers], zlib.compress(delays), parts))
    stored.pop("label_bound")
    old = decode(msgspec.msgpack.encode((version, stored)))
    assert old.layout.label_grid is None
    assert old.labelled.label_cells.tolist() == []
    assert realised(old, old.labelled) == realised(regression_reference(), regression_reference().labelled)
    world = regression_world(regression_frame(np.random.default_rng(1), 50))
    assert labelled_wire.decode(labelled_wire.encode(world.labelled(old)), old) == world.labelled(old)


def test_the_fingerprint_follows_rows_and_outputs() -> None:
    world = binary_world(np.random.default_rng(7), 400)
    given = binary_columns(world)
    reference = build_performance(BINARY, given)
    assert build_performance(BINARY, binary_columns(world)).fingerprint() == reference.fingerprint()
    flipped = binary_columns(World(world.rows, np.where(np.arange(400) == 5, 1 - world.labels, world.labels)))
    others = [
        build_performance(BINARY, flipped),
        build_performance(CLASS_ONLY, given),
        build_performance(replace(BINARY, threshold=0.6), given),
        build_performance(replace(BINARY, classes=("1", "0")), given),
        build_performance(BINARY, given, np.arange(400) * 60_000, HOUR),
    ]
    assert len({one.fingerprint() for one in (reference, *others)}) == 6


def test_another_version_and_damage_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode(regression_reference(50))
    with pytest.raises(ValueError, match="damaged"):
        decode(data[:100])
    monkeypatch.setattr("detectors.performance_wire.VERSION", 2)
    with pytest.raises(ValueError, match="version 1, this driftd reads version 2: build it again"):
        decode(data)


def test_a_regression_is_estimated_from_counts() -> None:
    reference = regression_reference()
    assert reference.loss_model is not None
    assert {effect.binning.name for effect in reference.loss_model.effects} == {"size", "predicted"}
    given = regression_columns(8, 500, shift=2.0)
    scored = summarise_scored(reference, performance.output_rows(REGRESSION, given))
    grids = numeric_grids(regression_columns(1, 2000))
    counts = {name: count(grid, given[name]) for name, grid in grids.items()}
    assert estimated(reference, scored) == ()
    found = {one.metric: one.value for one in estimated(reference, scored, counts)}
    assert found.keys() == {"mae", "rmse"}
    assert found["mae"] > 1.15 * reference.metrics["mae"].value
    assert estimated(reference, Scored.empty(reference), counts) == ()


@pytest.mark.parametrize(
    ("outputs", "given", "words"),
    [
        (BINARY, columns(predicted=[1, 0], score=[0.5, 0.1]), "no column 'label'"),
        (BINARY, columns(predicted=[1, 0], label=[1, 0]), "no column 'score'"),
        (
            BINARY,
            columns(predicted=[1, 0], score=[0.5, 0.1], label=[1, np.nan]),
            "1 of the reference's 2 rows",
        ),
        (BINARY, columns(predicted=[1, 0], score=[50, 10], label=[1, 0]), "score from 0 to 1 in 'score'"),
        (BINARY, columns(predicted=[1, 0], score=[0.5, 0.1], label=[5, 7]), "is one of the classes '0', '1'"),
        (REGRESSION, columns(predicted=[1, np.inf], label=[1, 2]), "1 of the reference's 2 rows"),
    ],
)
def test_references_that_say_nothing_are_refused(outputs: Outputs, given: Columns, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        build_performance(outputs, given)


def test_a_reference_without_positives_has_fewer_metrics() -> None:
    world = binary_world(np.random.default_rng(9), 100)
    given = {**binary_columns(world), **columns(label=np.zeros(100))}
    reference = build_performance(BINARY, given)
    assert "roc_auc" not in reference.metrics
    assert "recall" not in reference.metrics
    assert reference.metrics["accuracy"].value == pytest.approx(1 - world.rows.prediction.mean())
    assert {one.metric for one in estimated(reference, reference.scored)} >= {"accuracy"}


def test_a_class_that_a_window_lacks_is_no_error() -> None:
    reference = references()["three"]
    window = three_world(np.random.default_rng(10), 50)
    found = realised(reference, window.take(np.flatnonzero(window.labels == 0)).labelled(reference))
    names = {one.metric for one in found}
    assert "recall[a]" in names
    assert "recall[b]" not in names
    assert "roc_auc_macro" not in names


def test_task_names_are_their_texts() -> None:
    assert [str(task) for task in Task] == ["binary", "multiclass", "regression"]
