from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.abstaining_votes import Votes, abstention_share, are_wrong, collect, decide, sums

Said = list[dict[str, float]]
WEIGHTS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 20).map(float), max_size=3)
SAID = st.lists(WEIGHTS, min_size=1, max_size=8)
THETAS = st.sampled_from((0.0, 0.3, 0.5, 0.55, 0.8, 0.995, 1.0))


def by_loops(said: Said, theta: float) -> dict[str, float]:
    """Give the sum of the votes under a threshold, one member after the other."""
    added = dict.fromkeys("abc", 0.0)
    for only_sure in (True, False):
        anybody = False
        for vote in said:
            total = sum(vote.values())
            shares = {label: weight / total for label, weight in vote.items()} if total else {}
            if only_sure and max(shares.values(), default=0.0) < theta:
                continue
            anybody = True
            for label, share in shares.items():
                added[label] += share
        if anybody:
            break
    return added


@given(SAID, THETAS)
def test_the_sure_members_are_added_up_as_by_plain_loops(said: Said, theta: float) -> None:
    got = sums(collect(said, "abc", theta), np.array([theta]))[0]
    assert dict(zip("abc", got.tolist(), strict=True)) == pytest.approx(by_loops(said, theta))


@given(SAID, st.lists(THETAS, min_size=1, max_size=5))
def test_many_thresholds_at_once_are_each_as_alone(said: Said, thetas: list[float]) -> None:
    votes = collect(said, "abc", 0.0)
    together = are_wrong(votes, np.array(thetas), "a")
    assert together.tolist() == [decide(collect(said, "abc", theta)) != "a" for theta in thetas]


@given(SAID, THETAS, st.floats(0.01, 100.0))
def test_the_scale_of_a_members_votes_does_not_matter(said: Said, theta: float, scale: float) -> None:
    scaled = [{label: weight * scale for label, weight in vote.items()} for vote in said]
    before, after = collect(said, "abc", theta), collect(scaled, "abc", theta)
    np.testing.assert_allclose(before.shares, after.shares)


def test_only_the_member_that_is_sure_decides() -> None:
    said = [*[{"a": 0.64, "b": 0.36}] * 3, {"a": 0.15, "b": 0.85}]
    assert decide(collect(said, "ab", 0.0)) == "a"
    assert decide(collect(said, "ab", 0.65)) == "b"


def test_a_member_exactly_at_the_threshold_votes() -> None:
    said = [{"a": 0.75, "b": 0.25}, {"b": 0.7, "a": 0.3}, {"b": 0.7, "a": 0.3}]
    assert decide(collect(said, "ab", 0.75)) == "a"
    assert decide(collect(said, "ab", np.nextafter(0.75, 1.0))) == "b"


def test_when_nobody_is_sure_all_members_vote_and_not_the_first_class_wins() -> None:
    said = [{"a": 0.4, "b": 0.6}] * 3
    assert decide(collect(said, "ab", 0.9)) == "b"


def test_ties_go_to_the_class_that_was_known_first() -> None:
    said = [{"b": 0.5, "a": 0.5}]
    assert decide(collect(said, ("a", "b"), 0.0)) == "a"
    assert decide(collect(said, ("b", "a"), 0.0)) == "b"


def test_classes_are_the_known_ones_then_those_of_the_members() -> None:
    votes = collect([{"z": 1.0}, {"y": 1.0, "b": 1.0}], ("b", "a"), 0.0)
    assert votes.classes == ("b", "a", "z", "y")
    assert votes.shares.tolist() == [[0.0, 0.0, 1.0, 0.0], [0.5, 0.0, 0.0, 0.5]]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -0.1])
def test_a_vote_that_is_no_share_is_counted_and_kept_out(bad: float) -> None:
    votes = collect([{"a": bad, "b": 1.0}, {"a": 0.4, "b": 0.6}], "ab", 0.0)
    assert votes.unusable == 1
    assert votes.shares.tolist() == [[0.0, 0.0], [0.4, 0.6]]
    assert decide(votes) == "b"


def test_a_member_that_has_learned_nothing_is_not_unusable() -> None:
    votes = collect([{}, {"a": 0.0}], "a", 0.0)
    assert votes.unusable == 0
    assert not votes.shares.any()


def test_without_any_label_there_is_no_decision() -> None:
    assert decide(collect([{}, {}], (), 0.5)) is None


def test_an_unknown_label_is_wrong_under_every_threshold() -> None:
    votes = collect([{"a": 1.0}], "a", 0.0)
    assert are_wrong(votes, np.array([0.0, 0.9]), "never seen").all()


def test_the_share_of_abstaining_members() -> None:
    shares = np.array([[0.79, 0.21], [0.80, 0.20], [0.1, 0.9], [0.0, 0.0]])
    votes = Votes(shares, ("a", "b"))
    assert abstention_share(votes) == 0.5
    assert abstention_share(votes, 0.95) == 1.0


def test_without_members_the_share_of_abstaining_ones_is_not_a_number() -> None:
    assert math.isnan(abstention_share(collect([], "ab", 0.0)))
