"""A stream and small models for the tests of the abstaining ensemble."""

from __future__ import annotations

from typing import Any

from river import ensemble, naive_bayes, tree
from river.datasets import synth

Rows = list[tuple[dict[str, float], int]]


def sea(rows: int, seed: int = 3) -> Rows:
    """A stream whose concept changes after the first half."""
    halves = [synth.SEA(variant=variant, seed=seed + variant).take(rows // 2) for variant in (0, 2)]
    return [({str(name): value for name, value in x.items()}, int(y)) for half in halves for x, y in half]


def quick_tree(**given: Any) -> Any:
    return tree.HoeffdingTreeClassifier(grace_period=50, **given)


def bayes() -> Any:
    return naive_bayes.GaussianNB()  # type: ignore[no-untyped-call]


def bagging(seed: int | None = 1, n: int = 5) -> Any:
    return ensemble.LeveragingBaggingClassifier(quick_tree(), n, w=1, seed=seed)


def predictions(model: Any, rows: Rows) -> list[Any]:
    found = []
    for x, y in rows:
        found.append(model.predict_proba_one(x))
        model.learn_one(x, y)
    return found
