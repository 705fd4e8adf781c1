"""Every kind of broker and client that a source may have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.services.source_worlds import World

WORLDS = [
    "memory",
    ("embedded", "kafka-python"),
    ("embedded", "librdkafka"),
    pytest.param(("kafka", "kafka-python"), marks=pytest.mark.integration),
    pytest.param(("kafka", "librdkafka"), marks=pytest.mark.integration),
]


@pytest.fixture(params=WORLDS, ids=lambda which: which if isinstance(which, str) else "-".join(which))
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    from tests.services.source_worlds import KafkaWorld, MemoryWorld  # noqa: PLC0415  # not before configuration

    made: World
    if request.param == "memory":
        made = MemoryWorld()
    else:
        broker, client = request.param
        made = KafkaWorld(request.getfixturevalue(f"{broker}_bootstrap"), client)
    yield made
    made.close()


@pytest.fixture(scope="module")
def embedded_bootstrap() -> Iterator[str]:
    from monitor.broker import EmbeddedBroker  # noqa: PLC0415

    with EmbeddedBroker() as broker:
        yield broker.bootstrap
