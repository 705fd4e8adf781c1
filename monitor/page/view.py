"""What a view hands over to be written: a template with its values, and the tables that are also CSV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from monitor.page.table import Table


@dataclass(frozen=True, slots=True)
class View:
    """One page, ready to be written."""

    title: str
    template: str
    values: Mapping[str, Any]
    tables: Mapping[str, Table] = field(default_factory=dict)
    model: str = ""
