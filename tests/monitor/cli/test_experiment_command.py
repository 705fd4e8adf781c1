from __future__ import annotations

from typing import Any

from monitor.findings import ExperimentResult
from tests.monitor.cli.worlds import CONFIG, World
from tests.monitor.store.rows import AT, MODEL, experiment_result

EXPERIMENT = """
[models.churn.fields]
variant = "variant"
[models.churn.experiment]
control = "v1"
treatments = ["v2"]
"""
NOTHING: dict[str, Any] = dict.fromkeys(
    ("low", "high", "lift", "lift_low", "lift_high", "probability", "control_value", "variant_value")
)


def split(**changes: Any) -> ExperimentResult:
    figures = {"control_value": 0.526, "variant_value": 0.474, "difference": -0.026}
    known = {"kind": "split", "measure": "rows", "conclusion": "ok"} | figures
    return experiment_result(**NOTHING | known | changes)


def column(name: str, kind: str = "input", **changes: Any) -> ExperimentResult:
    known = {"kind": kind, "measure": name, "conclusion": "ok", "difference": 0.024}
    return experiment_result(**NOTHING | known | changes)


def told(world: World, *results: ExperimentResult) -> None:
    with world.store.lock(MODEL) as lock:
        assert lock is not None
        lock.experiment_results(results, AT)


def shown(world: World, *arguments: str) -> str:
    ran = world.run("experiment", MODEL, *arguments)
    assert (ran.code, ran.err) == (0, "")
    return " ".join(ran.out.split())


def test_everything_that_is_compared_is_shown_with_what_may_be_concluded(world: World) -> None:
    open_ = experiment_result(
        measure="accuracy", kind="performance", conclusion="open", low=-0.1, lift_low=-0.02
    )
    told(
        world,
        split(),
        column("age"),
        column("plan", "prediction", conclusion="open"),
        open_,
        experiment_result(),
    )
    text = shown(world)
    assert "experiment new trees on churn" in text
    assert "all rows from 1 Mar 2026 00:00 UTC until 1 Mar 2026 01:00 UTC" in text
    assert "split ok v2 90, v1 100 rows: 47.4 % of all, 50 % were set" in text
    assert "inputs ok age in v2: 2.4 % of rows apart" in text
    assert "predictions open plan in v2: 2.4 % of rows apart" in text
    assert "revenue v2 190 10 12.5 +4 % to +50 % 98 %" in text
    assert "v2 is better than v1 in revenue: its lift is +4 % to +50 %, whenever one looks." in text
    assert text.endswith("No difference is shown yet in accuracy.")
    lines = world.run("experiment", MODEL).out.splitlines()
    assert all(len(line) <= 80 for line in lines if not line.endswith(".")), (
        "sentences are wrapped by terminals"
    )


def test_without_a_lift_the_difference_is_told(world: World) -> None:
    told(world, split(), experiment_result(conclusion="worse", low=-4.5, high=-0.5, lift_low=None))
    text = shown(world)
    assert "-4.5 to -0.5" in text
    assert "v2 is worse than v1 in revenue: by -4.5 to -0.5, whenever one looks." in text


def test_nothing_is_concluded_when_the_split_or_an_input_has_failed(world: World) -> None:
    inputs = [column(name, conclusion="fail") for name in ("age", "plan")]
    told(world, split(conclusion="fail"), *inputs, experiment_result(conclusion="invalid"))
    text = shown(world)
    assert (
        "Nothing may be concluded: rows are not dealt to the variants by the shares that were set and the "
        "variants get other rows, by age and plan."
    ) in text
    assert "better" not in text


def test_too_little_is_told(world: World) -> None:
    few = experiment_result(conclusion="inconclusive", **{**NOTHING, "note": "9 values, 50 are needed"})
    told(world, split(n_variant=0, variant_value=None, difference=None, conclusion="inconclusive"), few)
    text = shown(world)
    assert "split inconclusive no row has one of the variants" in text
    assert "There is too little to compare revenue by." in text


def test_machines_get_the_latest_row_of_each_comparison(world: World) -> None:
    told(world, split(), experiment_result(hour=0, difference=1.0), experiment_result(hour=3))
    ran = world.run("experiment", MODEL, "--json")
    assert ran.json["model"] == MODEL
    assert ran.json["conclusions"][0].startswith("v2 is better than v1 in revenue")
    assert [(row["kind"], row["difference"]) for row in ran.json["results"]] == [
        ("split", -0.026),
        ("metric", 2.5),
    ]
    assert ran.json["results"][1]["window_start"] == "2026-03-01T03:00:00+00:00"


def test_the_latest_experiment_is_shown_and_others_by_name(world: World) -> None:
    told(world, split(experiment="first"), split(hour=2))
    assert "experiment new trees on churn" in shown(world)
    assert "experiment first on churn" in shown(world, "--name", "first")
    assert "has no results of an experiment 'none'" in shown(world, "--name", "none")


def test_a_model_without_an_experiment_is_told_how_to_begin_one(world: World) -> None:
    assert "model churn has no experiment: [models.churn.experiment] in" in shown(world)
    world.configure(CONFIG + EXPERIMENT)
    assert "no window of churn has been judged since its experiment began" in shown(world)


def test_an_unknown_model_is_named_with_the_nearest(world: World) -> None:
    ran = world.run("experiment", "chrun")
    assert ran.code == 2
    assert 'did you mean "churn"' in ran.err


def test_what_variants_are_called_cannot_command_a_terminal(world: World) -> None:
    told(world, split(variant="\x1b[31mv2"), experiment_result(variant="\x1b[31m[bold]v2", note="\x07"))
    text = shown(world)
    assert "\x1b" not in text
    assert "[bold]v2" in text
