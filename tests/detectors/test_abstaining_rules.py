from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.abstaining_rules import GRID, Rule, new_threshold
from detectors.abstaining_votes import Votes, collect, decide


def votes_at(theta: float) -> Votes:
    """Three unsure members for a, one sure member for b: b wins once the unsure ones abstain."""
    return collect([*[{"a": 0.66, "b": 0.34}] * 3, {"a": 0.15, "b": 0.85}], "ab", theta)


def test_the_grid_is_the_one_that_is_documented() -> None:
    assert GRID.tolist() == [0.0, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.995]


@given(st.lists(st.booleans(), max_size=300))
def test_a_walk_goes_down_when_right_and_up_when_wrong_within_0_and_1(hits: list[bool]) -> None:
    threshold = new_threshold("coded", 0.65, 0.01, 0.999)
    hundredths = 65
    for is_right in hits:
        votes = votes_at(threshold.theta)
        decided = decide(votes)
        threshold.learn(votes, "ab"[(decided == "a") ^ is_right])
        moved = hundredths + (-1 if is_right else 1)
        hundredths = moved if 0 < moved < 100 else hundredths
        assert threshold.theta == pytest.approx(hundredths / 100, abs=1e-12)


def test_a_walk_stops_one_step_from_both_ends() -> None:
    down, up = (new_threshold("coded", 0.65, 0.01, 0.999) for _ in range(2))
    for _ in range(200):
        down.learn(votes_at(0.0), "a")
        up.learn(votes_at(0.0), "b")
    assert down.theta == pytest.approx(0.01)
    assert up.theta == pytest.approx(0.99)


def test_a_walk_is_moved_by_the_decision_made_then_not_by_the_one_that_would_be_made_now() -> None:
    threshold = new_threshold("coded", 0.65, 0.1, 0.999)
    late = votes_at(0.70)  # decided b
    assert (decide(late), decide(votes_at(threshold.theta))) == ("b", "a")
    threshold.learn(late, "b")
    assert threshold.theta == pytest.approx(0.55)


def test_with_nine_of_ten_right_a_walk_ends_where_nobody_of_two_classes_abstains() -> None:
    rng = np.random.default_rng(1)
    threshold = new_threshold("coded", 0.65, 0.01, 0.999)
    thetas = []
    for is_right in rng.random(5_000) < 0.9:
        threshold.learn(votes_at(0.0), "a" if is_right else "b")
        thetas.append(threshold.theta)
    assert np.mean(np.array(thetas[500:]) > 0.5) == 0.0


@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(0, 20), min_size=3, max_size=3), st.integers(0, 1), st.floats(0.0, 1.0)
        ),
        max_size=25,
    ),
    st.sampled_from((0.5, 0.9, 0.999, 1.0)),
)
def test_the_grid_takes_the_threshold_with_the_fewest_faded_errors(
    rows: list[tuple[list[int], int, float]], fading: float
) -> None:
    threshold = new_threshold("grid", 0.65, 0.01, fading)
    history = []
    for members, label, theta_then in rows:
        said = [{0: 20.0 - weight, 1: float(weight)} for weight in members]
        threshold.learn(collect(said, (0, 1), theta_then), label)
        history.append([decide(collect(said, (0, 1), theta)) != label for theta in GRID.tolist()])
    errors = [
        sum(fading ** (len(history) - 1 - age) * wrong[at] for age, wrong in enumerate(history))
        for at in range(len(GRID))
    ]
    best = GRID.tolist().index(threshold.theta)
    assert errors[best] == pytest.approx(min(errors), abs=1e-9)
    assert all(errors[at] > errors[best] - 1e-9 for at in range(best))


def test_ties_on_the_grid_go_to_the_smallest_threshold() -> None:
    threshold = new_threshold("grid", 0.65, 0.01, 0.999)
    assert threshold.theta == 0.0
    threshold.learn(votes_at(0.0), "b")  # wrong up to 0.65, right from 0.70 on
    assert threshold.theta == 0.7


def test_the_grid_finds_the_few_sure_members_among_many_unsure_ones() -> None:
    """One sure member is right on 90 % of the rows, nine unsure ones on 40 %; all together on 71 %."""
    rng = np.random.default_rng(7)
    right = dict.fromkeys(("none", "grid"), 0)
    thresholds = {rule: new_threshold(rule, 0.65, 0.01, 0.999) for rule in right}
    for _ in range(2_000):
        label = int(rng.integers(2))
        hits = rng.random(10) < np.array([0.9] + [0.4] * 9)
        sureness = np.array([0.97] + [0.62] * 9)
        said = [
            {label: sure if hit else 1 - sure, 1 - label: 1 - sure if hit else sure}
            for hit, sure in zip(hits.tolist(), sureness.tolist(), strict=True)
        ]
        for rule, threshold in thresholds.items():
            votes = collect(said, (0, 1), threshold.theta)
            right[rule] += decide(votes) == label
            threshold.learn(votes, label)
    assert right["none"] < 0.75 * 2_000
    assert right["grid"] > 0.85 * 2_000


@pytest.mark.parametrize(("rule", "theta"), [("none", 0.0), ("fixed", 0.9)])
def test_the_other_rules_never_move(rule: str, theta: float) -> None:
    threshold = new_threshold(rule, 0.9, 0.01, 0.999)
    threshold.learn(votes_at(0.0), "b")
    assert threshold.theta == theta
    assert not threshold.learns


def test_an_unknown_rule_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match='no abstaining rule "gird": choose one of none, coded, fixed, grid'):
        new_threshold("gird", 0.65, 0.01, 0.999)


@pytest.mark.parametrize("name", ["theta", "step", "fading"])
@pytest.mark.parametrize("value", [0.0, -0.1, 1.1, float("nan")])
def test_a_parameter_outside_its_range_is_refused_by_name(name: str, value: float) -> None:
    given = {"theta": 0.65, "step": 0.01, "fading": 0.999, name: value}
    with pytest.raises(ValueError, match=f"{name} of an abstaining ensemble is {value}"):
        new_threshold(Rule.GRID, **given)
