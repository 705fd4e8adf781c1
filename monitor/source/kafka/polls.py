"""How much one poll may bring, in bytes; and batches that cannot be read."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import Any

_HEADER_BYTES = 120
"""What a header takes in memory, however short."""


class PollBounds:
    """Bounds what one poll of a consumer brings. For one consumer, and its one thread.

    kafka-python bounds a poll by the number of records only; and when a batch cannot be read, it goes on
    asking what is left of it for records, for ever. Here the rest is let go of, so the next poll fetches it
    again.
    """

    def __init__(self, consumer: Any, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._left = most_bytes
        self._append = consumer._fetcher._append  # noqa: SLF001  # there is no public way
        consumer._fetcher._append = self._within  # noqa: SLF001

    def begin(self) -> None:
        """Begin a poll."""
        self._left = self._most_bytes

    def _within(self, drained: Any, part: Any, most: int, update_offsets: bool) -> int:
        if part:
            part.take = partial(self._take, part)
        try:
            taken: int = self._append(drained, part, most, update_offsets)
        except Exception:
            part.drain()
            raise
        return taken if self._left > 0 else most  # as if there were no more to be taken

    def _take(self, part: Any, most: int) -> list[Any]:
        """Take records up to the bounds; what goes wrong after the first is raised at the next call."""
        part._maybe_raise_next_inline_exception()  # noqa: SLF001
        records: list[Any] = []
        left = self._left
        try:
            for record in islice(part.record_iterator, most):
                records.append(record)
                left -= record.serialized_value_size + record.serialized_key_size
                if record.headers:
                    left -= record.serialized_header_size + _HEADER_BYTES * len(record.headers)
                if left <= 0:
                    break
        except Exception as error:
            if not records:
                raise
            part._next_inline_exception = error  # noqa: SLF001
        self._left = left
        return records
