"""The ensembles that can be chosen by name, each of ten Hoeffding trees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from river import ensemble, forest, tree

from detectors.abstaining import AbstainingEnsemble

MEMBERS = 10


def _adwin_bagging(seed: int) -> Any:
    """ADWIN bagging [1]_: Poisson(1) resampling, the worst member replaced when ADWIN sees its error rise.

    River's leveraging bagging with a mean weight of 1 is just that. River's own
    ADWINBaggingClassifier, as of 0.26.1, gives ADWIN the hits instead of the
    errors, and so replaces the best member when it improves.

    References
    ----------
    .. [1] Bifet, A., Holmes, G., Pfahringer, B., Kirkby, R. and Gavalda, R.
       (2009), New ensemble methods for evolving data streams, KDD 2009.
    """
    return ensemble.LeveragingBaggingClassifier(tree.HoeffdingTreeClassifier(), MEMBERS, w=1, seed=seed)


def _leveraging_bagging(seed: int) -> Any:
    """Leveraging bagging: the same with a mean weight of 6, about four times as slow.

    Source: Bifet, A., Holmes, G. and Pfahringer, B. (2010), Leveraging bagging
    for evolving data streams, ECML PKDD 2010.
    """
    return ensemble.LeveragingBaggingClassifier(tree.HoeffdingTreeClassifier(), MEMBERS, seed=seed)


def _adaptive_random_forest(seed: int) -> Any:
    """Adaptive random forest: each split sees a random subset of the features.

    Source: Gomes, H. M. et al. (2017), Adaptive random forests for evolving data
    stream classification, Machine Learning 106.
    """
    return forest.ARFClassifier(MEMBERS, seed=seed)


def _hoeffding_adaptive_trees(seed: int) -> Any:
    """Poisson(1) bagging of trees that replace their own branches when these get worse.

    Source of the trees: Bifet, A. and Gavalda, R. (2009), Adaptive learning from
    evolving data streams, IDA 2009.
    """
    return ensemble.BaggingClassifier(tree.HoeffdingAdaptiveTreeClassifier(seed=seed), MEMBERS, seed=seed)


BASES: Mapping[str, Callable[[int], Any]] = {
    "adwin_bagging": _adwin_bagging,
    "leveraging_bagging": _leveraging_bagging,
    "arf": _adaptive_random_forest,
    "hoeffding_adaptive_trees": _hoeffding_adaptive_trees,
}


def build(base: str, rule: str, seed: int) -> AbstainingEnsemble:
    """The untrained ensemble of these names; equal seeds and rows give equal predictions.

    Raises
    ------
    ValueError
        If there is no such base or rule.
    """
    if base not in BASES:
        raise ValueError(f'there is no ensemble "{base}": choose one of {", ".join(BASES)}')
    return AbstainingEnsemble(BASES[base](seed), rule=rule)
