"""Making the public views, and reading them.

A view is made anew whenever the schema moves to a newer revision: a change here needs a revision, even
an empty one. New columns go to a view's end; a revision that must change or drop one drops the view.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, MetaData, Select, Table, select, text
from sqlalchemy.schema import CreateView
from sqlalchemy.sql.base import Executable

from monitor.store.base import View
from monitor.store.types import EventTime, Instant


@dataclass(frozen=True, slots=True)
class PublicView:
    """A promised view: what it selects, in words too.

    ``columns`` has a text for each column, in order; ``time`` is the column that ``since`` and ``until``
    look at, ``order`` what makes rows of one time come in one order.
    """

    name: View
    comment: str
    columns: Mapping[str, str]
    query: Select[Any] | Any
    time: str
    order: tuple[str, ...]

    @property
    def table(self) -> Table:
        """The view as something to select from; times are moments here."""
        return Table(
            self.name,
            MetaData(),
            *(
                Column(column.name, Instant() if isinstance(column.type, EventTime) else column.type)
                for column in self.query.selected_columns
            ),
        )


def make_view(connection: Connection, view: PublicView, schema: str | None) -> None:
    """Create the view, or replace it, with its comments."""
    if connection.dialect.name == "postgresql":
        connection.execute(CreateView(view.query, view.name, schema=schema, or_replace=True))
        quote = connection.dialect.identifier_preparer.quote
        name = f"{quote(schema or '')}.{quote(view.name)}"
        connection.execute(comment("VIEW", name, view.comment))
        for column, words in view.columns.items():
            connection.execute(comment("COLUMN", f"{name}.{quote(column)}", words))
        return
    connection.execute(text(f"DROP VIEW IF EXISTS {view.name}"))
    connection.execute(CreateView(view.query, view.name))


def comment(kind: str, name: str, words: str) -> Executable:
    """Make a COMMENT ON statement."""
    escaped = words.replace("'", "''").replace(":", "\\:")
    return text(f"COMMENT ON {kind} {name} IS '{escaped}'")


def read_view(
    connection: Connection,
    view: PublicView,
    *,
    equal: Mapping[str, Any],
    since: datetime | None,
    until: datetime | None,
    limit: int | None,
    newest_first: bool,
) -> list[dict[str, Any]]:
    """Rows as dictionaries, ``since`` included, ``until`` not; ValueError for an unknown column."""
    table = view.table
    if unknown := sorted(equal.keys() - set(table.columns.keys())):
        raise ValueError(
            f"{view.name} has no column {unknown[0]!r}; it has {', '.join(table.columns.keys())}"
        )
    time = table.c[view.time]
    query = select(table).where(*(table.c[name] == value for name, value in equal.items()))
    if since is not None:
        query = query.where(time >= since)
    if until is not None:
        query = query.where(time < until)
    query = query.order_by(time.desc() if newest_first else time, *(table.c[name] for name in view.order))
    return [dict(row) for row in connection.execute(query.limit(limit)).mappings()]
