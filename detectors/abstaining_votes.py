"""What the members of an ensemble said about one row, and what follows from it under a threshold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Label = bool | str | int  # what river calls a classifier's target

WATCHED_THETA = 0.80  # the fixed threshold of the label-free warning


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """The members' normalised votes about one row, to be kept until its label is known.

    ``shares`` has one row per member and one column per label of ``classes``;
    the rows sum to 1, or are 0 for a member without a vote: one that has learned
    nothing yet, or one whose vote was negative or not finite (counted in
    ``unusable``). ``theta`` is the threshold that was in force, so the decision can
    be repeated later. ``dropped`` counts the row's values that were kept from the members.
    """

    shares: NDArray[np.float64]
    classes: tuple[Label, ...]
    theta: float = 0.0
    unusable: int = 0
    dropped: int = 0


def collect(
    said: Sequence[Mapping[Any, float]], known: Iterable[Label], theta: float, dropped: int = 0
) -> Votes:
    """The votes of the members, each a mapping from label to a weight of any scale.

    The columns are the ``known`` labels in their order, then those that only
    members know, in the order in which they were said.
    """
    at: dict[Label, int] = {label: position for position, label in enumerate(known)}
    for vote in said:
        for label in vote:
            at.setdefault(label, len(at))
    rows, unusable = [], 0
    for vote in said:
        row = [0.0] * len(at)
        for label, weight in vote.items():
            row[at[label]] = weight
        total = sum(row)
        if 0.0 < total < np.inf and min(row) >= 0.0:  # false as well when a weight is not a number
            rows.append([weight / total for weight in row])
        else:
            unusable += any(row)
            rows.append([0.0] * len(at))
    shares = np.array(rows, np.float64).reshape(len(said), len(at))
    return Votes(shares, tuple(at), theta, unusable, dropped)


def sums(votes: Votes, thetas: NDArray[np.float64]) -> NDArray[np.float64]:
    """The votes added up under each threshold, shape (thresholds, classes).

    A member adds its votes if the largest of them is at least the threshold. If
    nobody is left, all members add theirs.
    """
    stays = votes.shares.max(axis=1, initial=0.0) >= thetas[:, np.newaxis]
    stays |= ~stays.any(axis=1, keepdims=True)
    added: NDArray[np.float64] = np.where(stays[:, :, np.newaxis], votes.shares, 0.0).sum(axis=1)
    return added


def decide(votes: Votes) -> Label | None:
    """The label with the largest sum under ``votes.theta``, ties by the order of the classes.

    None if no label is known at all.
    """
    if not votes.classes:
        return None
    return votes.classes[int(sums(votes, np.array([votes.theta]))[0].argmax())]


def are_wrong(votes: Votes, thetas: NDArray[np.float64], label: Label) -> NDArray[np.bool_]:
    """For each threshold, whether the decision under it is another one than ``label``."""
    if label not in votes.classes:
        return np.ones(len(thetas), np.bool_)
    wrong: NDArray[np.bool_] = sums(votes, thetas).argmax(axis=1) != votes.classes.index(label)
    return wrong


def abstention_share(votes: Votes, theta: float = WATCHED_THETA) -> float:
    """The share of members whose largest vote is below ``theta``; needs no label.

    A member without a vote abstains. Not a number if there are no members yet.
    It rises when rows come from where the members are unsure, as after some
    covariate shifts. A shift of the concept alone does not move it.
    """
    if not len(votes.shares):
        return float("nan")
    return float((votes.shares.max(axis=1, initial=0.0) < theta).mean())
