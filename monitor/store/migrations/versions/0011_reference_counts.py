"""Counts of references by feature, for functions of SQL."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# As they were when this revision was written: it must not change when monitor.store.types does.
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
REFERENCE = sa.table("reference", sa.column("id"), sa.column("payload"))
FOR_POSTGRES = "ALTER TABLE reference_counts ALTER COLUMN counts SET STORAGE EXTERNAL"  # compressed already


class Stored(msgspec.Struct):
    """What is needed of a reference in version 1 of its wire form."""

    parts: dict[str, bytes]


def upgrade() -> None:
    made = op.create_table(
        "reference_counts",
        sa.Column("reference_id", TEXT, nullable=False),
        sa.Column("feature", TEXT, nullable=False),
        sa.Column("counts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("reference_id", "feature"),
        comment="The counts of references by feature, in the form of window_counts.",
    )
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute(FOR_POSTGRES)
    for reference_id in connection.execute(sa.select(REFERENCE.c.id)).scalars().all():
        wanted = sa.select(REFERENCE.c.payload).where(REFERENCE.c.id == reference_id)
        counts = parts(connection.execute(wanted).scalar())
        rows = [{"reference_id": reference_id, "feature": name, "counts": counts[name]} for name in counts]
        if rows:
            connection.execute(sa.insert(made), rows)


def parts(payload: bytes | None) -> dict[str, bytes]:
    """Give the counts of a reference; none for one that this version cannot read."""
    try:
        _, stored = msgspec.msgpack.decode(payload or b"", type=tuple[int, Stored])
    except msgspec.DecodeError:
        return {}
    return stored.parts
