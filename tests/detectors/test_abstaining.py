from __future__ import annotations

import doctest
import math
import pickle
from typing import Any

import numpy as np
import pytest
from river import dummy, ensemble, forest

from bench.prequential import PLAIN, compare
from detectors import abstaining
from detectors.abstaining import AbstainingEnsemble, Rule, Votes
from detectors.abstaining_votes import Label, decide
from tests.detectors.abstaining_streams import bagging, bayes, predictions, quick_tree, sea


def test_none_is_the_soft_vote_of_the_normalised_members() -> None:
    model = AbstainingEnsemble(bagging(), rule="none")
    for x, y in sea(400):
        added: dict[Label, float] = {0: 0.0, 1: 0.0}
        for member in model.model:
            vote = member.predict_proba_one(x)
            for label, weight in vote.items():
                added[label] += weight / sum(vote.values())
        got = model.predict_proba_one(x)
        assert got == pytest.approx({label: added[label] / sum(added.values()) for label in got})
        model.learn_one(x, y)


@pytest.mark.parametrize("rule", Rule)
def test_training_is_the_same_as_without_the_wrapper_whatever_the_rule(rule: str) -> None:
    plain, model = bagging(), AbstainingEnsemble(bagging(), rule=rule)
    for x, y in sea(600):
        plain.learn_one(x, y)
        model.learn_one(x, y)
    assert [m.predict_proba_one(x) for m in plain] == [m.predict_proba_one(x) for m in model.model]


@pytest.mark.parametrize("delay", [0, 50])
def test_thresholds_that_share_one_ensemble_decide_as_wrappers_of_their_own(delay: int) -> None:
    rows = sea(700)
    shared = compare(bagging(), rows, delay)
    for rule in Rule:
        model = AbstainingEnsemble(bagging(), rule=rule.value, theta=0.8 if rule is Rule.FIXED else 0.65)
        right, waiting = 0, []
        for x, y in rows:
            votes = model.votes(x)
            right += model.decide(votes) == y
            waiting.append((x, y, votes))
            if len(waiting) > delay:
                x_due, y_due, seen = waiting.pop(0)
                model.learn_one(x_due, y_due, votes=seen)
        assert shared[rule].accuracy == right / len(rows)
    assert shared[Rule.NONE].accuracy == pytest.approx(shared[PLAIN].accuracy, abs=2 / len(rows))
    assert len({outcome.accuracy for outcome in shared.values()}) > 1  # the rules do differ here


def test_a_stored_decision_moves_theta_even_if_the_members_have_changed_their_minds() -> None:
    model = AbstainingEnsemble([quick_tree(), quick_tree()], rule="coded")
    model.learn_one({"a": 1.0}, "no")
    stored = model.votes({"a": 1.0})
    for _ in range(20):
        model.learn_one({"a": 1.0}, "yes")
    before = model.threshold
    assert (model.decide(stored), model.predict_one({"a": 1.0})) == ("no", "yes")
    model.learn_one({"a": 1.0}, "no", votes=stored)
    assert model.threshold == pytest.approx(before - 0.01)


def test_votes_without_any_given_are_taken_before_learning() -> None:
    given, own = (AbstainingEnsemble(bagging(), rule="coded") for _ in range(2))
    for x, y in sea(300):
        given.learn_one(x, y, votes=given.votes(x))
        own.learn_one(x, y)
        assert given.threshold == own.threshold
    assert own.threshold != 0.65


def test_predicting_is_what_the_votes_decide_and_changes_nothing() -> None:
    model = AbstainingEnsemble(bagging(), rule="grid")
    for x, y in sea(120):
        before = pickle.dumps(model)
        votes = model.votes(x)
        proba = model.predict_proba_one(x)
        assert model.predict_one(x) == model.decide(votes) == decide(votes)
        assert pickle.dumps(model) == before
        label = model.predict_one(x)
        if label is not None:
            assert max(proba.values()) == proba[label]
            assert sum(proba.values()) == pytest.approx(1.0)
        model.learn_one(x, y)


@pytest.mark.parametrize("rule", ["coded", "grid"])
def test_a_pickled_ensemble_goes_on_as_the_original(rule: str) -> None:
    rows = sea(800)
    model = AbstainingEnsemble(bagging(), rule=rule)
    predictions(model, rows[:500])
    copy = pickle.loads(pickle.dumps(model))  # noqa: S301  # our own
    assert predictions(copy, rows[500:]) == predictions(model, rows[500:])
    assert copy.threshold == model.threshold


def test_votes_can_be_pickled_with_the_prediction() -> None:
    model = AbstainingEnsemble(bagging())
    model.learn_one({"a": 1.0}, "up")
    votes = model.votes({"a": 1.0})
    copy: Votes = pickle.loads(pickle.dumps(votes))  # noqa: S301
    assert (copy.shares.tolist(), copy.classes, copy.theta) == (
        votes.shares.tolist(),
        votes.classes,
        votes.theta,
    )


@pytest.mark.parametrize("bad", [math.nan, math.inf, None, 1e200, np.float32("nan"), np.float32("inf")])
def test_a_value_that_is_no_usable_number_is_left_out_and_counted(bad: Any) -> None:
    rows = sea(300)
    dirty, clean = AbstainingEnsemble(bagging()), AbstainingEnsemble(bagging())
    for at, (x, y) in enumerate(rows):
        is_bad = at % 10 == 5
        dirty.learn_one({**x, "1": bad} if is_bad else x, y)
        clean.learn_one({name: value for name, value in x.items() if name != "1"} if is_bad else x, y)
        assert dirty.predict_proba_one(x) == clean.predict_proba_one(x)
    assert dirty.kept_out["values"] == 30
    assert dirty.votes({"0": 1.0, "1": bad}).dropped == 1
    assert clean.kept_out["values"] == 0


@pytest.mark.parametrize("label", [None, math.nan])
def test_a_row_without_a_label_teaches_nothing_and_is_counted(label: Any) -> None:
    model = AbstainingEnsemble(bagging())
    model.learn_one({"a": 1.0}, "up")
    before = model.predict_proba_one({"a": 1.0})
    model.learn_one({"a": 1.0}, label)
    assert model.predict_proba_one({"a": 1.0}) == before
    assert model.kept_out["labels"] == 1


def test_members_whose_votes_are_not_finite_are_counted_when_learning() -> None:
    class Broken(dummy.NoChangeClassifier):
        def predict_proba_one(self, x: Any, **kwargs: Any) -> Any:  # noqa: ARG002
            return {0: math.nan, 1: 0.5}

    model = AbstainingEnsemble([Broken(), bayes()])
    predictions(model, sea(50))
    assert model.kept_out["votes"] == 50
    assert model.predict_one({"0": 9.0, "1": 9.0, "2": 1.0}) == 1


def test_an_empty_row_is_predicted_and_learned() -> None:
    for model in (bagging(), forest.ARFClassifier(3, seed=1)):
        wrapped = AbstainingEnsemble(model)
        predictions(wrapped, [({}, 1), *sea(100), ({}, 0)])
        assert wrapped.predict_one({}) in {0, 1}


def test_a_label_that_no_member_has_drawn_yet_is_known() -> None:
    model = AbstainingEnsemble(ensemble.BaggingClassifier(quick_tree(), 2, seed=1))
    for y in range(25):  # both members draw none of one in seven rows
        model.learn_one({"a": float(y)}, y)
        assert model.predict_proba_one({"a": 0.0}).keys() == set(range(y + 1))


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="choose one of none, coded, fixed, grid"):
        AbstainingEnsemble(bagging(), rule="majority")


def test_texts_are_labels_as_well() -> None:
    model = AbstainingEnsemble(bagging())
    found: set[Label | None] = set()
    for x, y in sea(300):
        found.add(model.predict_one(x))
        model.learn_one(x, "fraud" if y else "good")
    assert found == {None, "fraud", "good"}


def test_the_example_in_the_documentation_runs() -> None:
    assert doctest.testmod(abstaining) == doctest.TestResults(failed=0, attempted=7)
