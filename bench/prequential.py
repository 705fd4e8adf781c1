"""Prequential accuracy: each row is predicted, and learned when its label comes. All rules share one pass."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich.table import Table

from detectors.abstaining import AbstainingEnsemble, Rule, Votes, abstention_share
from detectors.abstaining_rules import new_threshold
from detectors.abstaining_votes import decide

Rows = Sequence[tuple[dict[str, float], int]]
Key = tuple[str, int]  # what was measured, and how many rows late its labels came

PLAIN = "plain"  # the ensemble's own prediction, without the wrapper
FIXED_THETA = 0.80
LATE = 500  # rows
WORKERS = 2  # passes that run at once

MAX_LOSS = {Rule.CODED: 0.002, Rule.GRID: 0.005}  # of accuracy, against `none`


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one rule did: means over all rows."""

    accuracy: float
    theta: float = 0.0
    abstaining: float = 0.0  # share of the members


Outcomes = Mapping[str, Outcome]  # by rule, and `PLAIN`


def accuracy(model: Any, rows: Rows) -> float:
    """The share of rows that a model of river predicts right before it learns them."""
    right = 0
    for x, y in rows:
        right += model.predict_one(x) == y
        model.learn_one(x, y)
    return right / len(rows)


class Tally:
    """One rule on the votes of a shared ensemble."""

    def __init__(self, rule: Rule) -> None:
        self.threshold = new_threshold(rule, FIXED_THETA if rule is Rule.FIXED else 0.65, 0.01, 0.999)
        self.right = 0
        self.theta = 0.0
        self.abstaining = 0.0

    def see(self, votes: Votes, label: int) -> Votes:
        """Decide; the votes carry the threshold from here on."""
        own = replace(votes, theta=self.threshold.theta)
        self.right += decide(own) == label
        self.theta += own.theta
        self.abstaining += abstention_share(own, own.theta) if len(own.shares) else 0.0
        return own

    def outcome(self, rows: int) -> Outcome:
        return Outcome(self.right / rows, self.theta / rows, self.abstaining / rows)


def compare(ensemble: Any, rows: Rows, delay: int) -> dict[str, Outcome]:
    """All rules and the ensemble's own prediction, with labels that come ``delay`` rows late.

    Members learn the same whatever the rule, so one ensemble serves all rules.
    """
    voters = AbstainingEnsemble(ensemble, rule=Rule.NONE)
    tallies = {rule: Tally(rule) for rule in Rule}
    plain = 0
    waiting: deque[tuple[dict[str, float], int, dict[Rule, Votes]]] = deque()
    for x, y in rows:
        plain += ensemble.predict_one(x) == y
        votes = voters.votes(x)
        waiting.append((x, y, {rule: tally.see(votes, y) for rule, tally in tallies.items()}))
        if len(waiting) > delay:
            x_due, y_due, seen = waiting.popleft()
            for rule, tally in tallies.items():
                tally.threshold.learn(seen[rule], y_due)
            voters.learn_one(x_due, y_due)
    return {
        PLAIN: Outcome(plain / len(rows)),
        **{rule.value: tally.outcome(len(rows)) for rule, tally in tallies.items()},
    }


def loses_little(outcomes: Outcomes) -> bool:
    """Whether `coded` and `grid` lose no more than allowed to `none`."""
    return all(
        outcomes[Rule.NONE].accuracy - outcomes[rule].accuracy <= most for rule, most in MAX_LOSS.items()
    )


def rules_table(title: str, measured: Mapping[Key, Outcomes]) -> Table:
    """One line a rule."""
    table = Table("", "labels", "rule", "accuracy", "against none", "mean theta", "abstaining", title=title)
    for (name, delay), outcomes in measured.items():
        none = outcomes[Rule.NONE].accuracy
        for rule in Rule:
            one = outcomes[rule]
            table.add_row(
                name if rule is Rule.NONE else "",
                f"{delay} rows late" if delay else "at once",
                rule.value,
                f"{one.accuracy:.4f}",
                f"{100 * (one.accuracy - none):+.2f} points",
                f"{one.theta:.4f}",
                f"{one.abstaining:.2%} of members",
            )
    return table
