"""What becomes of the messages that are no rows, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from monitor.decode.payload import Reason
from monitor.decode.times import UNREADABLE
from monitor.source.base import Chunk, Record
from monitor.store.base import Reject

SAMPLE_BYTES = 1024


class Outcome:
    """What becomes of the messages of one chunk, collected as decoding goes on."""

    def __init__(self, chunk: Chunk, model: str, now: datetime) -> None:
        self.partition = chunk.partition
        self.model = model
        self.now = now
        self.rejects: list[Reject] = []
        self.others_at: list[int] = []
        self.filtered = 0
        self.stopped_at: int | None = None

    def reject(self, record: Record, reason: Reason, detail: str) -> None:
        """Note why a message is no row; of one that has several rows, once."""
        if self.rejects and self.rejects[-1].offset == record.offset:
            return
        sample = (record.value or b"")[:SAMPLE_BYTES]
        self.rejects.append(
            Reject(self.partition, record.offset, self.model, reason, detail, sample, self.now)
        )


def until(chunk: Chunk, records: Sequence[Record], stopped_at: int | None) -> tuple[Chunk, Sequence[Record]]:
    """Give the chunk, and its records with a value, up to this offset."""
    if stopped_at is None:
        return chunk, records
    read = [record for record in chunk.records if record.offset <= stopped_at]
    return Chunk(chunk.partition, read), [record for record in read if record.value is not None]


def whole_messages(records: Sequence[Record], usable: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Leave out all rows of a message of which one is not usable: it has one outcome."""
    bad = {records[i].offset for i in np.flatnonzero(~usable).tolist()}
    return np.array([record.offset not in bad for record in records], np.bool_) if bad else usable


def why(stamp: object, time_ms: int) -> tuple[Reason, str]:
    """Say why a row's time cannot be used."""
    if time_ms != UNREADABLE:
        shown = str(time_ms if stamp is None else stamp)[:100]
        return Reason.FUTURE_TIMESTAMP, f"{shown!r} lies further ahead of the clock than max_future"
    if stamp is None or stamp == -1:
        return Reason.NO_TIMESTAMP, "the row has no timestamp"
    return Reason.BAD_TIMESTAMP, f"{str(stamp)[:100]!r} is no timestamp"
