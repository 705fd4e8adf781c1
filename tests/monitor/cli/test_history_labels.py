"""What `driftd history` and `driftd alerts` say of performance, of labels, and of concept shift."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alerts.model import labels
from detectors.result import Shift, Verdict
from monitor.findings import Finding, PerformanceFinding
from monitor.store.base import Advance, Progress
from tests.monitor.cli.worlds import CONFIG, World
from tests.monitor.store.rows import (
    AT,
    HOUR,
    MODEL,
    ONE,
    OTHER,
    START,
    alert,
    closed,
    finding,
    joined,
    performance,
    quality,
    result,
)

BAD: dict[str, Any] = {
    "value": 0.915,
    "low": 0.907,
    "high": 0.922,
    "labelled_rows": 4_800,
    "label_ratio": 0.96,
}
ESTIMATE: dict[str, Any] = {"is_estimate": True, "labelled_rows": 0, "label_ratio": None}
FINE: dict[str, Any] = {"verdict": Verdict.OK, "p_value": 0.4, "adjusted_p": 1.0}
ROSE = {
    "kind": "change_point", "signal": "loss", "detector": "adwin", "changed_at_ms": START + HOUR,
    "before": 0.06, "after": 0.11, "rows_since": 431, "direction": "worse",
}  # fmt: skip
RELATION = {
    "kind": "residual", "metric": "accuracy", "realised": 0.85, "estimated": 0.93,
    "low": -0.10, "high": -0.06, "direction": "worse",
}  # fmt: skip
SHARES = {
    "kind": "shares", "source": "bbse",
    "changes": [{"category": "fraud", "reference": 0.02, "current": 0.05, "low": 0.04, "high": 0.06}],
}  # fmt: skip


def stepped(hour: int, signal: str = "loss", **changes: Any) -> Finding:
    """Give what a detector that steps through rows says: no p-value, and an effect when it saw a change."""
    effect = changes.pop("effect", 0.05)
    nothing = result(statistic=0.105, effect=effect, effect_low=None, p_value=None, note="")
    made = finding(hour, signal, shift=Shift.CONCEPT, detector="adwin", result=nothing, details=ROSE)
    return replace(made, adjusted_p=None, threshold=None, **changes)


def figure(metric: str, value: float) -> PerformanceFinding:
    """Give a figure about the labels themselves."""
    bare = performance(1, metric, **{**BAD, **FINE, "value": value, "low": None, "high": None})
    return replace(bare, reference_value=None, band_low=None, band_high=None, adjusted_p=None, p_value=None)


def publish(world: World, *found: PerformanceFinding) -> None:
    with world.store.lock(MODEL) as lock:
        assert lock is not None
        lock.performance(found, AT)


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def told(world: World) -> World:
    """Give a window that drifted, broke and got worse, and a good one before it."""
    world.close_windows(
        closed(0, rows=5_000),
        closed(1, (finding(1, "car_value"),), (quality(1, "salary_range"),), rows=5_000),
    )
    publish(
        world,
        performance(0, value=0.944, low=0.937, high=0.951, **FINE),
        performance(1, **BAD),
        performance(1, value=0.943, low=0.94, high=0.946, **ESTIMATE, **FINE),
        performance(1, "roc_auc", value=0.952, low=0.948, high=0.955, reference_value=0.963, **ESTIMATE),
        performance(
            1, "calibration_error", value=0.031, low=0.025, high=0.037, reference_value=0.012, **FINE
        ),
        performance(1, multiple=2, start_ms=START, value=0.92, low=0.915, high=0.925, labelled_rows=9_600),
        figure("label_count", 4_800.0),
        figure("label_ratio", 0.96),
        figure("label_delay_median_s", 5_400.0),
        figure("label_delay_p95_s", 93_600.0),
    )
    return world


# -- together --------------------------------------------------------------------------------------------


def test_without_options_performance_that_drifted_is_shown_beside_drift_and_broken_data(told: World) -> None:
    rows = told.run("history", "--json").json
    found = [(row["kind"], row.get("metric") or row["feature"]) for row in rows]
    assert found == [
        ("drift", "car_value"), ("performance", "accuracy"), ("performance", "roc_auc"),
        ("quality", "salary_range"), ("performance", "accuracy"),
    ]  # fmt: skip


def test_performance_is_told_in_the_words_of_messages(told: World) -> None:
    text = flat(told.run("history", "--feature", "accuracy", "--limit", "1").out)
    assert "accuracy drift 94.4 % → 91.5 % (90.7 to 92.2 %), known from 4,800 labels (96 %); p 1e-5" in text
    assert "0.963 → 0.952 (0.948 to 0.955), estimated without labels" in flat(told.run("history").out)


def test_a_metric_filters_performance_and_a_column_of_its_name_alike(told: World) -> None:
    told.close_windows(closed(2, (replace(stepped(2), feature="accuracy", details=RELATION),)))
    rows = told.run("history", "--feature", "accuracy", "--json").json
    assert [(row["kind"], row["window_start"][11:16]) for row in rows] == [
        ("drift", "02:00"), ("performance", "01:00"), ("performance", "00:00"),
    ]  # fmt: skip


def test_a_shift_leaves_performance_out(told: World) -> None:
    assert {row["kind"] for row in told.run("history", "--shift", "covariate", "--json").json} == {"drift"}
    ran = told.run("history", "--shift", "concept", "--kind", "performance")
    assert (ran.code, "performance has no shift" in ran.err) == (2, True)


# -- performance alone -----------------------------------------------------------------------------------


def test_performance_alone_shows_every_metric_whatever_its_verdict(told: World) -> None:
    rows = told.run("history", "--kind", "performance", "--json").json
    assert len(rows) == 10
    assert {row["verdict"] for row in rows} == {"drift", "ok"}
    assert {"value", "low", "high", "band_low", "p_value", "label_ratio", "revision", "note"} <= rows[
        0
    ].keys()
    asked = told.run("history", "--kind", "performance", "--verdict", "drift", "--json").json
    assert len(asked) == 3


def test_each_window_is_named_once_above_its_metrics(told: World) -> None:
    lines = told.run("history", "--kind", "performance").out.splitlines()
    assert lines[0].split() == ["metric", "value", "95", "%", "interval", "reference", "labels", "verdict"]
    headings = [line.strip() for line in lines if line.startswith("2026")]
    assert headings == ["2026-03-01 01:00 1h", "2026-03-01 00:00 1h", "2026-03-01 00:00 2h"]
    assert flat(lines[2]) == "accuracy 91.5 % 90.7 to 92.2 % 94.4 % 4,800 drift"
    assert "roc_auc 0.952 0.948 to 0.955 0.963 estimate drift" in map(flat, lines)


def test_one_metric_has_its_windows_in_rows(told: World) -> None:
    lines = told.run("history", "--kind", "performance", "--feature", "accuracy").out.splitlines()
    assert [flat(line) for line in lines[1:]] == [
        "2026-03-01 01:00 1h 91.5 % 90.7 to 92.2 % 94.4 % 4,800 drift",
        "2026-03-01 01:00 1h 94.3 % 94 to 94.6 % 94.4 % estimate ok",
        "2026-03-01 00:00 1h 94.4 % 93.7 to 95.1 % 94.4 % 18 ok",
        "2026-03-01 00:00 2h 92 % 91.5 to 92.5 % 94.4 % 9,600 drift",
    ]


def test_figures_about_labels_have_units_and_nothing_to_compare_with(told: World) -> None:
    lines = [flat(line) for line in told.run("history", "--kind", "performance").out.splitlines()]
    for line in (
        "label_count 4,800 4,800 ok",
        "label_ratio 96 % 4,800 ok",
        "label_delay_median_s 1.5 h 4,800 ok",
        "label_delay_p95_s 1.1 d 4,800 ok",
    ):
        assert line in lines
    assert "label_delay_median_s ok 1.5 h" in flat(told.run("history", "--all").out)


def test_what_cannot_be_measured_says_why(world: World) -> None:
    nothing: dict[str, Any] = {
        "value": float("nan"),
        "low": None,
        "high": None,
        "note": "no labels of churners",
    }
    publish(world, performance(0, "recall", **nothing, verdict=Verdict.INCONCLUSIVE))
    assert "no labels of churners" in flat(world.run("history", "--all").out)
    assert flat(world.run("history", "--kind", "performance").out).endswith("recall 18 inconclusive")
    assert world.run("history", "--kind", "performance", "--json").json[0]["value"] is None


def test_no_performance_is_said(world: World) -> None:
    assert world.run("history", "--kind", "performance").out == "nothing found\n"


# -- labels ----------------------------------------------------------------------------------------------


@pytest.fixture
def labelled(told: World) -> World:
    one = joined(1, labelled=2_800, unusable=3, duplicates=12, corrected=4, too_late=1, unmatched=0)
    other = replace(one, partition=OTHER, labelled=2_000, duplicates=0)
    orphans = joined(2, labelled=0, unusable=0, duplicates=0, corrected=0, too_late=0, unmatched=2)
    advances = tuple(Advance(tp, None, 5_000, 5_000) for tp in (ONE, OTHER))
    told.store.commit(Progress(advances=advances, joined=(one, other, orphans)))
    return told


def test_labels_are_counted_by_window(labelled: World) -> None:
    lines = labelled.run("history", "--kind", "labels").out.splitlines()
    names = "window rows labelled ratio cates corrected late matched"
    assert [flat(line) for line in lines] == [
        "dupli- too un-",
        names,
        "2026-03-01 02:00 0 0 0 0 0 2",
        "2026-03-01 01:00 5,000 4,800 96 % 12 8 2 0",
    ]
    (_, row) = labelled.run("history", "--kind", "labels", "--json").json
    assert (row["kind"], row["unusable"], row["label_ratio"]) == ("labels", 6, 0.96)


@pytest.mark.parametrize("options", [("--feature", "age"), ("--verdict", "ok"), ("--all",)])
def test_labels_have_neither_features_nor_verdicts(world: World, options: tuple[str, ...]) -> None:
    ran = world.run("history", "--kind", "labels", *options)
    assert (ran.code, ran.out) == (2, "")
    assert "--kind labels has neither features nor verdicts" in ran.err


def test_models_are_named_in_every_table(labelled: World) -> None:
    labelled.configure(CONFIG + '[models.fraud]\ntopics = ["frauds"]\n')
    for kind in ("labels", "windows", "performance", "drift"):
        assert "churn" in labelled.run("history", "--kind", kind).out
        assert "churn" not in labelled.run("history", "--kind", kind, "--model", "churn").out
    assert "2026-03-01 01:00 1h churn" in labelled.run("history", "--kind", "performance").out
    one = labelled.run("history", "--kind", "performance", "--feature", "accuracy").out
    assert "churn" in one.splitlines()[1]


def test_every_line_fits_80_columns(labelled: World) -> None:
    labelled.close_windows(closed(2, (stepped(2),)))
    labelled.raise_alerts(alert(labels=labels(model=MODEL, shift="concept", feature="loss", segment="")))
    for arguments in ("history", "history --all", "alerts", *(
        f"history --kind {kind}" for kind in ("performance", "performance --feature accuracy", "labels")
    )):  # fmt: skip
        lines = labelled.run(*arguments.split()).out.splitlines()
        assert max(map(len, lines)) <= 80, arguments
        assert any("2026-03-01 0" in line for line in lines), arguments  # times are not folded


# -- shifts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (stepped(1), "error rate 6 % → 11 % since 1 Mar 2026 01:00 UTC, found after 431 rows (ADWIN)"),
        (
            stepped(1, details={}, effect=0.004, verdict=Verdict.WARN),
            "loss warn mean 0.105, a change of 0.4 %, too small to alarm (ADWIN)",
        ),
        (stepped(1, details={}, effect=None, verdict=Verdict.OK), "loss ok mean 0.105, no change (ADWIN)"),
        (
            replace(stepped(1), feature="accuracy", detector="residual", details=RELATION, adjusted_p=1e-9),
            "(6 to 10 points less): the relation of inputs and outcome changed; p < 1e-6",
        ),
        (
            finding(1, "repaid", shift=Shift.PRIOR, detector="bbse", details=SHARES, adjusted_p=1e-4),
            "label fraud 2 % → 5 % (4 to 6 %), estimated without labels (BBSE); p 0.0001",
        ),
    ],
)  # fmt: skip
def test_new_kinds_of_drift_are_told_in_words(world: World, found: Finding, said: str) -> None:
    world.close_windows(closed(1, (found,)))
    assert said in flat(world.run("history", "--all").out)


def test_a_detector_that_lost_its_state_says_so_whatever_else_it_saw(world: World) -> None:
    lost = result(statistic=0.1, effect=0.05, note="written by river 0.25.0")
    world.close_windows(closed(1, (stepped(1, verdict=Verdict.ERROR, result=lost),)))
    assert "loss error written by river 0.25.0" in flat(world.run("history").out)


def test_unsure_members_of_the_challenger_are_told_with_the_time(world: World) -> None:
    said = "more of the challenger's members are unsure: 71% to 95%"
    early = result(statistic=0.95, effect=0.24, effect_low=None, p_value=None, note=said)
    found = finding(
        1, "challenger", detector="abstention", result=early, verdict=Verdict.WARN, adjusted_p=None
    )
    world.close_windows(closed(1, (replace(found, details={**ROSE, "signal": "abstention"}),)))
    assert f"challenger warn {said} since 1 Mar 2026 01:00 UTC" in flat(world.run("history").out)


# -- alerts ----------------------------------------------------------------------------------------------


def test_alerts_tell_known_performance_from_estimated(world: World) -> None:
    def one(check: str, **details: Any) -> Any:
        names = labels(model=MODEL, shift="performance", feature="accuracy", segment="", check=check)
        told = {"kind": "performance", "metric": "accuracy", "reference_value": 0.944, **BAD, **details}
        return alert(labels=names, annotations={"details": told})

    world.raise_alerts(one("realised"), one("estimated", **ESTIMATE))
    text = flat(world.run("alerts").out)
    assert "accuracy warning firing 94.4 % → 91.5 % (90.7 to 92.2 %), known from 4,800 labels (96 %)" in text
    assert "94.4 % → 91.5 % (90.7 to 92.2 %), estimated without labels" in text
    world.run("silence", "add", "check=estimated", "--for", "1h", "--comment", "known")
    rows = world.run("alerts", "--json").json
    assert {row["check_name"]: row["silenced_by"] for row in rows} == {"realised": None, "estimated": 1}
