"""All topics of the broker, and the news that something arrived in one."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from monitor.broker.codes import Code
from monitor.broker.log import PartitionLog


@dataclass(frozen=True, slots=True)
class Limits:
    """What a broker may take.

    ``partition_bytes`` bounds the memory of each partition: its oldest
    batches go first, as with Kafka's ``retention.bytes``. ``batch_bytes`` is
    Kafka's ``message.max.bytes``.
    """

    partition_bytes: int = 1 << 30
    batch_bytes: int = (1 << 20) + 12
    default_partitions: int = 4
    auto_create: bool = True


class Topics:
    """Logs by topic and partition."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._logs: dict[str, list[PartitionLog]] = {}
        self._arrival = asyncio.Event()

    def names(self) -> list[str]:
        return list(self._logs)

    def partitions(self, topic: str) -> list[PartitionLog]:
        """Give a topic's logs, none when there is no such topic."""
        return self._logs.get(topic, [])

    def log(self, topic: str, partition: int) -> PartitionLog | None:
        logs = self._logs.get(topic, [])
        return logs[partition] if 0 <= partition < len(logs) else None

    def create(self, topic: str, partitions: int) -> Code:
        """Make a topic; -1 partitions means the default."""
        if topic in self._logs:
            return Code.TOPIC_ALREADY_EXISTS
        if partitions == 0 or partitions < -1:
            return Code.INVALID_PARTITIONS
        self._logs[topic] = self._fresh(self.limits.default_partitions if partitions == -1 else partitions)
        return Code.NONE

    def widen(self, topic: str, partitions: int) -> Code:
        """Give a topic more partitions."""
        if topic not in self._logs:
            return Code.UNKNOWN_TOPIC_OR_PARTITION
        missing = partitions - len(self._logs[topic])
        if missing <= 0:
            return Code.INVALID_PARTITIONS
        self._logs[topic] += self._fresh(missing)
        return Code.NONE

    def delete(self, topic: str) -> Code:
        return Code.NONE if self._logs.pop(topic, None) else Code.UNKNOWN_TOPIC_OR_PARTITION

    def announce(self) -> None:
        """Wake all who wait for records."""
        self._arrival.set()
        self._arrival = asyncio.Event()

    async def arrival(self, timeout_s: float) -> None:
        """Wait until something is announced or the time has passed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._arrival.wait()

    def _fresh(self, count: int) -> list[PartitionLog]:
        return [PartitionLog(self.limits.partition_bytes, self.limits.batch_bytes) for _ in range(count)]
