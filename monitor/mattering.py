"""How much it matters that a feature moved: by how much it did, and how important it is to the model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from statistics import fmean

from detectors.dictionary import Dictionary, Role
from monitor.findings import Finding


def weighed(findings: Iterable[Finding], dictionary: Dictionary) -> Iterator[Finding]:
    """Add to what is told of each feature that moved how important it is, and how much its move ``matters``.

    That is the effect times the feature's importance, in units of the mean one: a feature whose importance is
    not stated counts as a mean one. Nothing is added when no importance is stated.
    """
    stated = importances(dictionary)
    mean = fmean(stated.values()) if stated else 0.0
    for finding in findings:
        effect = finding.result.effect
        if mean <= 0.0 or not finding.details or effect is None:
            yield finding
        elif finding.feature not in stated:
            yield replace(finding, details=finding.details | {"matters": effect})
        else:
            mine = stated[finding.feature]
            told = {
                "importance": mine,
                "importance_rank": 1 + sum(other > mine for other in stated.values()),
                "importance_of": len(stated),
                "matters": effect * mine / mean,
            }
            yield replace(finding, details=finding.details | told)


def importances(dictionary: Dictionary) -> Mapping[str, float]:
    """Give the importances that the dictionary states; one below zero counts as none."""
    return {
        name: max(0.0, feature.importance)
        for name, feature in dictionary.used().items()
        if feature.role is Role.FEATURE and feature.importance is not None
    }


def owners(dictionary: Dictionary) -> dict[str, str]:
    """Give whom features belong to, as far as the dictionary says."""
    return {name: feature.owner for name, feature in dictionary.features.items() if feature.owner}
