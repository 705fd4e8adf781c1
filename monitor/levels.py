"""How the alert budget of a model is shared out."""

from __future__ import annotations

from detectors.budget import alpha
from monitor.judge import Rules
from monitor.plan import ModelPlan


def shares(plan: ModelPlan) -> int:
    """Into how many parts the budget goes.

    One for each window length, one for data quality; with outputs that can be compared one for what is
    estimated without labels; with labels one for what they show and one for the sequential detectors.
    """
    estimated = plan.reference.performance is not None
    return len(plan.multiples) + 1 + int(estimated) + 2 * int(plan.labels is not None)


def level(plan: ModelPlan, multiple: int) -> float:
    """What one share may spend on a window of this length."""
    return alpha(plan.budget, plan.window_ms / 1000, multiple, shares(plan))


def level_over_lengths(plan: ModelPlan, multiple: int) -> float:
    """What one share may spend on a window of this length, if the share covers all lengths."""
    return alpha(plan.budget, plan.window_ms / 1000, multiple, shares(plan) * len(plan.multiples))


def rules_for(plan: ModelPlan, multiple: int) -> Rules:
    """How a window of this length is judged."""
    settings = plan.settings
    return Rules(level(plan, multiple), settings.min_effect, settings.min_rows, settings.detectors)


def false_alarms_per_row(plan: ModelPlan, rows_per_window: float, detectors: int) -> float:
    """What each of so many sequential detectors may spend on one row."""
    budget = plan.budget.alarms / plan.budget.per_s * plan.window_ms / 1000
    return budget / shares(plan) / detectors / max(1.0, rows_per_window)
