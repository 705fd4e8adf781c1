"""Three real brokers that are one cluster, of which any one may be away."""

from __future__ import annotations

import contextlib
from typing import Any, Self

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from tests.services.kafka_server import KafkaServer, free_ports
from tests.services.waiting import until

NODES = (1, 2, 3)


class KafkaCluster:
    """Brokers 1, 2 and 3, each a controller too, with every topic that is made on all three."""

    def __init__(self) -> None:
        self._open = contextlib.ExitStack()
        self.brokers: dict[int, KafkaServer] = {}

    def __enter__(self) -> Self:
        try:
            voters = {node: free_ports()[0] for node in NODES}
            for node in NODES:
                self.brokers[node] = KafkaServer(node, voters)
                self._open.callback(self.brokers[node].close)
            for broker in self.brokers.values():
                broker.launch()
            for broker in self.brokers.values():
                broker.wait_for_answers()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def bootstrap(self) -> str:
        return ",".join(broker.bootstrap for broker in self.brokers.values())

    def leaders(self, topic: str) -> dict[int, int]:
        """Give the broker that leads each partition, as the cluster says now."""
        return {part["partition_index"]: part["leader_id"] for part in self._partitions(topic)}

    def wait_for_replicas(self, topic: str) -> None:
        """Wait until all three have all of the topic: then none of them is needed."""
        until(
            lambda: all(len(part["isr_nodes"]) == len(NODES) for part in self._partitions(topic)),
            f"all brokers have all of {topic}",
            90,
            0.2,
        )

    def _partitions(self, topic: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []

        def has_answered() -> bool:
            """Ask those that run; one that went or came just now may be in the way."""
            admin = None
            try:
                admin = KafkaAdminClient(bootstrap_servers=self.bootstrap.split(","))
                found[:] = admin.describe_topics([topic])[0]["partitions"]
            except KafkaError:
                return False
            finally:
                if admin is not None:
                    admin.close()
            return True

        until(has_answered, f"the cluster describes {topic}", 90, 0.2)
        return found
