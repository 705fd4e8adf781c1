from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import pytest
from river import checks, compose, ensemble, forest, linear_model, preprocessing, tree

from detectors.abstaining import AbstainingEnsemble, Rule
from tests.detectors.abstaining_streams import bagging, bayes, predictions, quick_tree, sea


def logistic_bagging() -> Any:
    return ensemble.BaggingClassifier(linear_model.LogisticRegression(), 3, seed=1)


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(lambda: ensemble.BaggingClassifier(quick_tree(), 2, seed=1), id="trees"),
        pytest.param(lambda: forest.ARFClassifier(2, seed=1), id="arf"),
        pytest.param(logistic_bagging, id="binary"),
        pytest.param(lambda: [linear_model.LogisticRegression(l2=l2) for l2 in (0.0, 0.1)], id="list"),
    ],
)
def test_it_passes_every_check_of_river_that_applies(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stub = ModuleType("sklearn")  # river imports it for regression data before it looks what is checked
    stub.datasets = ModuleType("sklearn.datasets")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sklearn", stub)
    checked = AbstainingEnsemble(model())
    names = set()
    for check in checks.yield_checks(checked):
        check(checked.clone())
        names.add(check.__name__)
    assert {"check_wrapper_accepts_kwargs", "check_pickling", "check_predict_proba_one"} <= names
    assert len(names) >= 27


@pytest.mark.parametrize("rule", Rule)
def test_the_parameters_for_rivers_checks_cover_every_rule(rule: Rule) -> None:
    assert rule.value in {given["rule"] for given in AbstainingEnsemble._unit_test_params()}


def test_equal_seeds_give_equal_runs_and_others_do_not() -> None:
    rows = sea(400)
    first, same, other = (
        predictions(AbstainingEnsemble(bagging(seed=None), seed=seed), rows) for seed in (7, 7, 8)
    )
    assert first == same
    assert first != other


def test_a_seed_reaches_nested_models_and_each_member_of_a_list() -> None:
    def forest_of(seed: int | None) -> Any:
        return preprocessing.StandardScaler() | tree.HoeffdingAdaptiveTreeClassifier(seed=seed)

    model = AbstainingEnsemble([forest_of(None), forest_of(None)], seed=5)
    seeds = [member["HoeffdingAdaptiveTreeClassifier"].seed for member in model.model]
    assert seeds == [5, 6]
    nested = ensemble.BaggingClassifier(tree.HoeffdingAdaptiveTreeClassifier(seed=1), 3, seed=2)
    assert AbstainingEnsemble(nested, seed=5).model.model.seed == 5


def test_a_clone_has_learned_nothing_and_has_the_same_parameters() -> None:
    model = AbstainingEnsemble([quick_tree(), bayes()], rule="coded", step=0.02)
    predictions(model, sea(200))
    clone = model.clone()
    assert (clone.rule, clone.step, clone.threshold) == ("coded", 0.02, 0.65)
    assert clone.predict_one({"0": 1.0}) is None
    assert predictions(clone, sea(200)) == predictions(
        AbstainingEnsemble([quick_tree(), bayes()], rule="coded", step=0.02), sea(200)
    )


def test_the_classifiers_of_a_list_stay_as_they_are() -> None:
    given = [quick_tree(), quick_tree()]
    predictions(AbstainingEnsemble(given), sea(100))
    assert given[0].n_nodes is None or given[0].n_nodes == 0


RIVERS: Sequence[Any] = (
    lambda: ensemble.BaggingClassifier(quick_tree(), 3, seed=1),
    lambda: ensemble.ADWINBaggingClassifier(quick_tree(), 3, seed=1),
    lambda: ensemble.LeveragingBaggingClassifier(quick_tree(), 3, seed=1),
    lambda: ensemble.AdaBoostClassifier(quick_tree(), 3, seed=1),
    lambda: ensemble.ADWINBoostingClassifier(quick_tree(), 3, seed=1),
    lambda: ensemble.BOLEClassifier(quick_tree(), 3, seed=1),
    lambda: ensemble.SRPClassifier(quick_tree(), 3, seed=1),
    lambda: ensemble.VotingClassifier([quick_tree(), bayes()]),
    lambda: ensemble.StackingClassifier([quick_tree(), bayes()], quick_tree()),
    lambda: forest.ARFClassifier(3, seed=1),
    lambda: forest.AMFClassifier(3, seed=1),
)


@pytest.mark.parametrize("make", RIVERS)
def test_every_ensemble_of_classifiers_in_river_can_be_wrapped(make: Any) -> None:
    model = AbstainingEnsemble(make())
    rows = sea(300)[:150]
    right = 0
    for x, y in rows:
        right += model.predict_one(x) == y
        model.learn_one(x, y)
    assert right > 0.75 * len(rows)
    assert model.votes(rows[0][0]).shares.shape[1] == 2


def test_it_stands_behind_a_transformer_and_takes_votes_through_the_pipeline() -> None:
    model = preprocessing.StandardScaler() | AbstainingEnsemble(logistic_bagging(), rule="coded")
    last: Any = model["AbstainingEnsemble"]
    right = 0
    for x, y in sea(400):
        right += model.predict_one(x) == y
        model.learn_one(x, y, votes=last.votes(x))
    assert right > 0.8 * 400
    assert isinstance(model, compose.Pipeline)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (quick_tree(), "HoeffdingTreeClassifier"),
        (preprocessing.StandardScaler() | logistic_bagging(), "Pipeline"),
        (ensemble.BaggingRegressor(linear_model.LinearRegression(), 3), "BaggingRegressor"),
        (None, "NoneType"),
    ],
)
def test_what_is_no_ensemble_of_classifiers_is_refused_with_the_way_out(model: Any, name: str) -> None:
    with pytest.raises(ValueError, match=f"cannot be made of {name}: give an ensemble of classifiers"):
        AbstainingEnsemble(model)
