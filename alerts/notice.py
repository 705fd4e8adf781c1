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
    ``performance_holds`` says whether the model's performance, by labels or estimated,
    is what it should be; None: not known.
    """

    model_version: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    command: str = "driftd"
    budget: str = ""
    schema: str = "driftd"
    performance_holds: bool | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """One group's news for one service.

    ``new`` are the ids of those of ``firing`` that it has not been told about. ``elsewhere`` are the
    alerts of the group that fire but are not told to this service, because they are silenced or
    routed to others: what they say must not be denied.
    """

    model: str
    reason: Reason
    firing: tuple[Alert, ...] = ()
    resolved: tuple[Alert, ...] = ()
    new: frozenset[str] = frozenset()
    context: Context = field(default_factory=Context)
    elsewhere: tuple[Alert, ...] = ()
