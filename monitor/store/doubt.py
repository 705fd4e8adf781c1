"""Whether a commit took place whose answer was lost."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from monitor.store.base import Advance
from monitor.store.statements import Row, add_missing, of_partitions, partition_of
from monitor.store.tables import cursor

NOWHERE = -1


def same_moves(one: Sequence[Advance], other: Sequence[Advance]) -> bool:
    """Whether two commits move cursors alike; the log itself may have grown between them."""
    return [(a.partition, a.expected, a.next) for a in one] == [
        (a.partition, a.expected, a.next) for a in other
    ]


def took_place(connection: Connection, advances: Sequence[Advance]) -> bool | None:
    """True: every cursor is where the commit would have put it; False: none moved; None: neither.

    Waits for the doubtful transaction, should the server still be busy with it: by locking the cursors
    it moved, and by colliding with those it made. The caller rolls back.
    """
    moving = [one for one in advances if one.next != one.expected]
    made: list[Row] = [
        {"topic": one.partition.topic, "partition": one.partition.partition, "next_offset": NOWHERE}
        for one in moving
        if one.expected is None
    ]
    add_missing(connection, cursor, made)
    query = select(cursor).where(of_partitions(cursor, [one.partition for one in moving]))
    found = {
        partition_of(row): None if row["next_offset"] == NOWHERE else row["next_offset"]
        for row in connection.execute(query.with_for_update()).mappings()
    }
    if moving and all(found.get(one.partition) == one.next for one in moving):
        return True
    return False if all(found.get(one.partition) == one.expected for one in moving) else None
