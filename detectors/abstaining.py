"""The abstaining online ensemble: only the members that are sure enough of a row vote on it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from river import base, ensemble, tree

from detectors.abstaining_rules import Rule, new_threshold
from detectors.abstaining_votes import Label, Votes, abstention_share, collect, decide, sums

__all__ = ["AbstainingEnsemble", "Rule", "Votes", "abstention_share"]

LARGEST = 1e150  # river's trees square values, and raise an OverflowError over about 1e154


class AbstainingEnsemble(base.Wrapper, base.Classifier):  # type: ignore[type-arg]
    """Any online ensemble of river, with members that abstain from rows they are unsure of.

    A member whose largest normalised vote is at least a threshold adds its votes
    to the sum; the label with the largest sum is predicted. If nobody is sure
    enough, all members vote. Every member learns from every label as it would
    without this wrapper, so training does not depend on the rule.

    The idea is from Krawczyk and Cano [1]_. Only its abstract was at hand: the rule
    ``coded`` follows later code of the second author's group and is a
    reconstruction, without that code's answer of the first class when everybody
    abstains. ``grid`` is our extension. No accuracy of the paper is promised, and no
    benefit on noisy labels: none was found. ``coded`` is nearly inert once most
    decisions are right, because it then walks down to thresholds that
    everybody reaches.

    Weights that an ensemble gives its members itself (as ARFClassifier by their
    accuracy, or boosting) are not used: each member has one vote.

    Parameters
    ----------
    model
        An ensemble of classifiers, used as it is and trained in place; or a list of
        classifiers, of which clones become the members. Transformers belong
        before the wrapper: ``StandardScaler() | AbstainingEnsemble(...)``.
    rule
        ``none``: nobody abstains, the baseline. ``fixed``: the threshold ``theta``.
        ``coded``: ``theta`` less ``step`` after a right decision if it stays over 0, plus ``step`` after
        a wrong one if it stays under 1. ``grid``: of 0, 0.55, 0.60 ... 0.95 and
        0.995 the threshold that would have made the fewest errors on the labels
        seen so far, each error multiplied by ``fading`` at every later label;
        ties go to the smallest.
    theta
        The threshold of ``fixed``, the first one of ``coded``.
    step
        The step of ``coded``.
    fading
        The weight that an error keeps at each label, for ``grid``.
    seed
        If given, every seed among the model's parameters becomes this one, in a
        clone that has learned nothing; members of a list get this one, the next
        one and so on. If None the model keeps its own.

    Attributes
    ----------
    kept_out
        What was kept from the members while learning: ``values`` of rows that were None, not
        finite or over 1e150 (the row is learned without them), ``labels`` that were None or
        not finite (the row is not learned) and ``votes`` that were not finite.

    References
    ----------
    .. [1] Krawczyk, B. and Cano, A. (2018), Online ensemble learning with
       abstaining classifiers for drifting and noisy data streams, Applied Soft
       Computing 68, 677-692, DOI 10.1016/j.asoc.2017.12.008.

    Examples
    --------
    >>> from river import ensemble, tree
    >>> bagging = ensemble.ADWINBaggingClassifier(tree.HoeffdingTreeClassifier(), 10, seed=1)
    >>> model = AbstainingEnsemble(bagging)
    >>> votes = model.votes({"price": 3.0})  # when a row comes: keep them
    >>> model.decide(votes)
    >>> model.learn_one({"price": 3.0}, "up", votes=votes)  # when its label comes
    >>> model.predict_one({"price": 3.0})
    'up'
    """

    def __init__(
        self,
        model: Any,
        rule: str = "grid",
        theta: float = 0.65,
        step: float = 0.01,
        fading: float = 0.999,
        seed: int | None = None,
    ) -> None:
        self.model = model if seed is None else _seeded(model, seed)
        self.rule = rule
        self.theta = theta
        self.step = step
        self.fading = fading
        self.seed = seed
        self.kept_out: Counter[str] = Counter()
        self._ensemble = _ensemble_of(self.model)
        self._threshold = new_threshold(rule, theta, step, fading)
        self._classes: dict[Label, None] = {}  # in the order in which labels were learned

    @property
    def _wrapped_model(self) -> Any:
        return self._ensemble

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        for rule in Rule:
            yield {
                "model": ensemble.BaggingClassifier(tree.HoeffdingTreeClassifier(), 3, seed=1),
                "rule": rule.value,
            }

    @property
    def threshold(self) -> float:
        """The threshold in force now."""
        return self._threshold.theta

    def votes(self, x: Mapping[Any, Any], **kwargs: Any) -> Votes:
        """The members' votes on a row, with the threshold in force; changes nothing."""
        row, dropped = _usable(x)
        said = [member.predict_proba_one(row, **kwargs) for member in self._ensemble.models]
        return collect(said, self._classes, self.threshold, dropped)

    def decide(self, votes: Votes) -> Label | None:
        """The label that was, or is, predicted from these votes; None as long as no label is known."""
        return decide(votes)

    def predict_one(self, x: Mapping[Any, Any], **kwargs: Any) -> Label | None:
        """The predicted label of a row; None as long as no label is known."""
        return decide(self.votes(x, **kwargs))

    def predict_proba_one(self, x: Mapping[Any, Any], **kwargs: Any) -> dict[Label, float]:
        """The normalised sum of the votes that count, for every known label; equal if nobody has a vote."""
        votes = self.votes(x, **kwargs)
        total = sums(votes, np.array([votes.theta]))[0]
        if not total.any():
            total += 1.0
        return dict(zip(votes.classes, (total / total.sum()).tolist(), strict=True))

    def learn_one(self, x: Mapping[Any, Any], y: Label, votes: Votes | None = None, **kwargs: Any) -> None:
        """Move the threshold, then train every member.

        ``votes`` are those that the row's prediction was made from: labels may
        come late and in any order. Without them the members vote on the row now,
        which costs as much as a prediction.
        """
        if _is_absent(y):
            self.kept_out["labels"] += 1
            return
        row, dropped = _usable(x)
        if votes is None and self._threshold.learns:
            votes = self.votes(row)
        if votes is not None:
            self._threshold.learn(votes, y)
            self.kept_out["votes"] += votes.unusable
        self.kept_out["values"] += dropped
        self._classes.setdefault(y)
        self._ensemble.learn_one(row, y, **kwargs)


def _ensemble_of(model: Any) -> Any:
    """The ensemble whose members vote."""
    if isinstance(model, list):
        return ensemble.VotingClassifier([member.clone() for member in model])
    if isinstance(model, base.Ensemble) and isinstance(model, base.Classifier):
        return model
    raise ValueError(
        f"an abstaining ensemble cannot be made of {type(model).__name__}: give an ensemble of "
        "classifiers of river, or a list of classifiers, and put transformers before the wrapper"
    )


def _seeded(model: Any, seed: int) -> Any:
    """An untrained clone with other seeds."""
    if isinstance(model, list):
        return [_seeded(member, seed + at) for at, member in enumerate(model)]
    return model.clone(_with_seed(model._get_params(), seed))  # noqa: SLF001  # river's own clone reads these


def _with_seed(params: dict[str, Any], seed: int) -> dict[str, Any]:
    """River's nested parameters with every seed replaced."""
    changed: dict[str, Any] = {}
    for name, value in params.items():
        match value:
            case (type() as kind, dict() as inner):
                changed[name] = (kind, _with_seed(inner, seed))
            case dict() as inner:  # a step of a pipeline
                changed[name] = _with_seed(inner, seed)
            case _:
                changed[name] = seed if name == "seed" else value
    return changed


def _is_absent(label: Label | float | None) -> bool:
    return label is None or (isinstance(label, float) and not math.isfinite(label))


def _usable(x: Mapping[Any, Any]) -> tuple[Mapping[Any, Any], int]:
    """The row without the values that would poison or break a member, and their number."""
    bad = [name for name, value in x.items() if value is None or _is_beyond(value)]
    if not bad:
        return x, 0
    return {name: value for name, value in x.items() if name not in bad}, len(bad)


def _is_beyond(value: Any) -> bool:
    """Whether this is a number that is not finite or too large to be squared."""
    number = float(value) if isinstance(value, np.floating) else value
    return isinstance(number, int | float) and not -LARGEST < number < LARGEST
