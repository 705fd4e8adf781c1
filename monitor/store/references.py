"""Models and their references."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, LargeBinary, RowMapping, literal, select, update

from monitor.store.base import ReferenceRow
from monitor.store.statements import add_missing
from monitor.store.tables import model, reference, reference_counts


def register_models(connection: Connection, models: Iterable[str], at: datetime) -> None:
    """Add the models that have no row yet."""
    rows = [{"name": name, "registered_at": at} for name in sorted(set(models))]
    add_missing(connection, model, rows)


def add_reference(connection: Connection, row: ReferenceRow) -> None:
    """Store a reference; an active one takes the place of the model's active one."""
    register_models(connection, [row.model], row.built_at)
    stored = {column.name: getattr(row, column.name) for column in reference.columns}
    add_missing(connection, reference, [stored | {"active": False}])
    unknown = update(reference).where(reference.c.id == row.id, reference.c.data_version == "")
    connection.execute(unknown.values(data_version=row.data_version))
    counts = [{"reference_id": row.id, "feature": name, "counts": blob} for name, blob in row.counts.items()]
    add_missing(connection, reference_counts, counts)
    if row.active:
        activate_reference(connection, row.model, row.id)


def activate_reference(connection: Connection, of_model: str, reference_id: str) -> bool:
    """Make it the model's only active reference; False, with nothing changed, when there is none such."""
    query = select(reference.c.id).where(reference.c.model == of_model).order_by(reference.c.id)
    if reference_id not in connection.execute(query.with_for_update()).scalars().all():
        return False
    change = update(reference).where(reference.c.model == of_model)
    connection.execute(change.where(reference.c.active, reference.c.id != reference_id).values(active=False))
    connection.execute(change.where(reference.c.id == reference_id).values(active=True))
    return True


def describe_reference(connection: Connection, reference_id: str, payload: bytes) -> None:
    """Write another payload to a stored reference."""
    change = update(reference).where(reference.c.id == reference_id)
    connection.execute(change.values(payload=payload))


def references(connection: Connection, of_model: str | None) -> tuple[ReferenceRow, ...]:
    """Newest first, without their payloads."""
    light = [column for column in reference.columns if column is not reference.c.payload]
    query = select(*light, literal(b"", LargeBinary()).label("payload"))
    query = query.order_by(reference.c.built_at.desc(), reference.c.id)
    if of_model is not None:
        query = query.where(reference.c.model == of_model)
    return tuple(as_reference(row) for row in connection.execute(query).mappings())


def one_reference(connection: Connection, *where: ColumnElement[bool]) -> ReferenceRow | None:
    """Give the only reference of which the conditions hold."""
    row = connection.execute(select(reference).where(*where)).mappings().one_or_none()
    return None if row is None else as_reference(row)


def as_reference(row: RowMapping) -> ReferenceRow:
    """Read a reference from its row."""
    return ReferenceRow(**row)
