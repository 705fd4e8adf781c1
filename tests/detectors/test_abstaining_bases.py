from __future__ import annotations

import pickle
from typing import Any

import pytest
from river import ensemble, tree
from river.datasets import synth

from detectors.abstaining import Rule, abstention_share
from detectors.abstaining_bases import BASES, MEMBERS, build

Rows = list[tuple[dict[str, float], int]]


def flipped_halfway(rows: int) -> Rows:
    """SEA with all labels turned round in the second half."""
    return [
        ({str(name): value for name, value in x.items()}, int(y) ^ (at >= rows // 2))
        for at, (x, y) in enumerate(synth.SEA(seed=5).take(rows))
    ]


def hits(model: Any, rows: Rows) -> list[bool]:
    found = []
    for x, y in rows:
        found.append(model.predict_one(x) == y)
        model.learn_one(x, y)
    return found


@pytest.mark.parametrize("base", BASES)
def test_each_base_has_ten_members_and_is_reproducible_from_its_seed(base: str) -> None:
    rows = flipped_halfway(400)[:200]
    first, same = build(base, "grid", 4), build(base, "grid", 4)
    assert hits(first, rows) == hits(same, rows)
    x = rows[0][0]
    assert first.predict_proba_one(x) == same.predict_proba_one(x)
    assert first.votes(x).shares.shape == (MEMBERS, 2)
    assert build(base, "grid", 5).model.seed == 5
    assert 0.0 <= abstention_share(first.votes(x)) <= 1.0


@pytest.mark.parametrize("base", BASES)
def test_each_base_goes_on_after_pickling_as_the_original(base: str) -> None:
    rows = flipped_halfway(300)
    model = build(base, "grid", 4)
    hits(model, rows[:150])
    copy = pickle.loads(pickle.dumps(model))  # noqa: S301  # our own
    assert hits(copy, rows[150:]) == hits(model, rows[150:])


def test_adwin_bagging_gets_over_a_flip_faster_than_the_one_that_river_calls_so() -> None:
    """River's class replaces the best member when it gets better, not the worst when it gets worse."""
    rows = flipped_halfway(3_000)
    ours = hits(build("adwin_bagging", "none", 1), rows)
    rivers = hits(ensemble.ADWINBaggingClassifier(tree.HoeffdingTreeClassifier(), 10, seed=1), rows)
    assert sum(ours[2_000:]) > sum(rivers[2_000:]) + 200
    assert BASES["adwin_bagging"](1).w == 1
    assert BASES["leveraging_bagging"](1).w == 6


@pytest.mark.parametrize("rule", Rule)
def test_every_rule_can_be_built(rule: Rule) -> None:
    assert build("adwin_bagging", rule.value, 1).rule == rule


def test_an_unknown_base_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match='no ensemble "xgboost": choose one of adwin_bagging, leveraging'):
        build("xgboost", "grid", 1)


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="choose one of none, coded, fixed, grid"):
        build("arf", "median", 1)
