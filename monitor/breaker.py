"""A stop for streams that have become unreadable."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence

from monitor.errors import TooManyRejects
from monitor.store.base import Reject


class Breaker:
    """Watches the share of messages that could not be used, over at least the last ``window`` of them."""

    def __init__(self, max_share: float, window: int) -> None:
        self._max_share = max_share
        self._window = window
        self._seen: deque[tuple[int, int]] = deque()
        self._reasons: Counter[str] = Counter()

    def saw(self, messages: int, rejects: Sequence[Reject]) -> None:
        """Count a batch; raises `TooManyRejects` once the share is over the limit."""
        unusable = len({(reject.partition, reject.offset) for reject in rejects})
        self._reasons.update(reject.reason for reject in rejects)
        self._seen.append((messages, unusable))
        while sum(count for count, _ in self._seen) - self._seen[0][0] >= self._window:
            self._seen.popleft()
        total = sum(count for count, _ in self._seen)
        bad = sum(count for _, count in self._seen)
        if total >= self._window and bad > self._max_share * total:
            latest = rejects[-1] if rejects else None
            example = (
                ""
                if latest is None
                else f", for example {latest.partition} offset {latest.offset}: {latest.detail}"
            )
            reasons = ", ".join(reason for reason, _ in self._reasons.most_common(3))
            raise TooManyRejects(
                f"{bad} of the last {total} messages could not be used ({reasons}){example}. The latest of "
                "them have not been committed. Correct the producer or [models.NAME.fields], or raise "
                f"limits.max_rejected_share (now {self._max_share}), and start again."
            )
