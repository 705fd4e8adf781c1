"""How the alert budget of a model is shared out."""

from __future__ import annotations

from dataclasses import replace

from detectors.budget import alpha
from monitor.judge import Rules
from monitor.plan import ModelPlan


def shares(plan: ModelPlan) -> int:
    """Into how many parts the budget goes."""
    return plan.settings.budget_shares(is_estimated=plan.reference.performance is not None)


def level(plan: ModelPlan, multiple: int) -> float:
    """What one share may spend on a window of this length."""
    return alpha(plan.budget, plan.window_ms / 1000, multiple, shares(plan))


def evidence_level(plan: ModelPlan) -> float:
    """What detectors that add up evidence may spend on a window: as many shares as there are lengths."""
    return alpha(plan.budget, plan.window_ms / 1000, len(plan.multiples), shares(plan))


def level_over_lengths(plan: ModelPlan, multiple: int) -> float:
    """What one share may spend on a window of this length, if the share covers all lengths."""
    return alpha(plan.budget, plan.window_ms / 1000, multiple, shares(plan) * len(plan.multiples))


def rules_for(plan: ModelPlan, multiple: int) -> Rules:
    """How a window of this length is judged."""
    settings = plan.settings
    spent = level(plan, multiple)
    return Rules(spent, settings.min_effect, settings.min_rows, settings.detectors, multiple)


def segment_rules_for(plan: ModelPlan, multiple: int) -> Rules:
    """How the segments of a window of this length are judged: one share for all of them and all lengths."""
    return replace(rules_for(plan, multiple), level=level_over_lengths(plan, multiple))


def false_alarms_per_row(plan: ModelPlan, rows_per_window: int, streams: int) -> float:
    """What a detector may spend on one row of one signal, if there are so many detectors times signals."""
    budget = plan.budget.alarms / plan.budget.per_s * plan.window_ms / 1000
    return budget / shares(plan) / streams / rows_per_window
