"""Everything a message is made of, before it is put into words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from alerts.model import Alert
from alerts.outgoing import Reason


@dataclass(frozen=True, slots=True)
class Context:
    """What messages say about the world beside the alerts.

    ``links`` maps a word to an address (dashboard, runbook), ``command`` is how
    driftd is started, ``budget`` the model's alert budget as configured,
    ``schema`` the database schema of the views (empty: they have none).
    """

    model_version: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    command: str = "driftd"
    budget: str = ""
    schema: str = "driftd"


@dataclass(frozen=True, slots=True)
class Notice:
    """One group's news for one service. ``new`` are those of ``firing`` that it has not been told about."""

    model: str
    reason: Reason
    firing: tuple[Alert, ...] = ()
    resolved: tuple[Alert, ...] = ()
    new: frozenset[str] = frozenset()
    context: Context = field(default_factory=Context)
