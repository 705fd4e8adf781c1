"""A broker in memory that speaks Kafka's protocol: for the demo, and for tests on machines without Java.

One node, no disk, no security, no transactions. Producers, consumer groups
(eager, cooperative, static members), offsets and the admin calls that
kafka-python needs behave like Apache Kafka's, and the contract suite of
`Source` holds both to the same tests. Not for production.
"""

from __future__ import annotations

from monitor.broker.embedded import EmbeddedBroker
from monitor.broker.topics import Limits

__all__ = ["EmbeddedBroker", "Limits"]
