"""The thresholds under which members of an ensemble abstain, and how each learns from labels."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import numpy as np

from detectors.abstaining_votes import Label, Votes, are_wrong

GRID = np.array([0.0, 0.55, 0.60, 0.65, 0.70, 0.75, 0.80, 0.85, 0.90, 0.95, 0.995])
_DIGITS = 12  # a walk in steps of 0.01 stays on multiples of 0.01, whatever its way


class Rule(StrEnum):
    """How the threshold is found."""

    NONE = "none"  # nobody abstains: the plain sum of the normalised votes
    CODED = "coded"  # a walk: down after a right decision, up after a wrong one
    FIXED = "fixed"
    GRID = "grid"  # the threshold that would have made the fewest errors lately


class Threshold(Protocol):
    """The threshold in force, moved by labelled rows."""

    @property
    def theta(self) -> float: ...

    @property
    def learns(self) -> bool:
        """Whether a label can move it."""

    def learn(self, votes: Votes, label: Label) -> None:
        """Take in the label of a row that was decided by these votes."""


class FixedThreshold:
    """Never moves."""

    learns = False

    def __init__(self, theta: float) -> None:
        self.theta = theta

    def learn(self, votes: Votes, label: Label) -> None:
        """Nothing to learn."""


class WalkingThreshold:
    """Down by ``step`` after a right decision, up after a wrong one, as long as it stays between 0 and 1."""

    learns = True

    def __init__(self, theta: float, step: float) -> None:
        self.theta = theta
        self.step = step

    def learn(self, votes: Votes, label: Label) -> None:
        """Move by the decision that was made under ``votes.theta``, however long ago."""
        is_wrong = are_wrong(votes, np.array([votes.theta]), label)[0]
        moved = round(self.theta + (self.step if is_wrong else -self.step), _DIGITS)
        if 0.0 < moved < 1.0:
            self.theta = moved


class GridThreshold:
    """The threshold of `GRID` with the fewest errors, old errors faded; ties go to the smallest."""

    learns = True

    def __init__(self, fading: float) -> None:
        self.fading = fading
        self.errors = np.zeros(len(GRID))

    @property
    def theta(self) -> float:
        return float(GRID[self.errors.argmin()])

    def learn(self, votes: Votes, label: Label) -> None:
        """Add the errors that the thresholds would have made on these votes."""
        self.errors = self.errors * self.fading + are_wrong(votes, GRID, label)


def new_threshold(rule: str, theta: float, step: float, fading: float) -> Threshold:
    """The threshold of a rule before any label.

    Raises
    ------
    ValueError
        If the rule is unknown or a parameter is outside its range.
    """
    if rule not in set(Rule):
        raise ValueError(f'there is no abstaining rule "{rule}": choose one of {", ".join(Rule)}')
    for name, value in (("theta", theta), ("step", step), ("fading", fading)):
        if not 0.0 < value <= 1.0:
            raise ValueError(
                f"{name} of an abstaining ensemble is {value}: it has to be over 0 and at most 1"
            )
    match Rule(rule):
        case Rule.NONE:
            return FixedThreshold(0.0)
        case Rule.FIXED:
            return FixedThreshold(theta)
        case Rule.CODED:
            return WalkingThreshold(theta, step)
        case Rule.GRID:
            return GridThreshold(fading)
