"""Fixtures for the services that tests share."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("driftd", deadline=None)  # a busy machine is no failure
settings.load_profile("driftd")


def pytest_configure(config: pytest.Config) -> None:
    # kafka-python 3.0 loads its message schemas by a call that Python 3.11 and 3.12 call deprecated
    config.addinivalue_line("filterwarnings", "ignore:(read|open)_text is deprecated:DeprecationWarning")
    # and it leaves sockets of refused and broken connections to the garbage collector, at any later time
    config.addinivalue_line("filterwarnings", "ignore:unclosed <socket.socket:ResourceWarning")


@pytest.hookimpl(trylast=True)  # after all are shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest by far, so that nobody waits for it alone."""
    items.sort(key=lambda item: item.name != "test_two_thousand_schedules_change_no_result")


def pytest_collection_finish() -> None:
    """Leave out of the collector's sight what was imported: the service has it look every few seconds."""
    gc.collect()
    gc.freeze()


def of_this_run(factory: pytest.TempPathFactory) -> Path:
    """Give the folder that all workers of one test run share."""
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    return factory.getbasetemp().parent if is_worker else factory.getbasetemp()


def unavailable(reason: str) -> None:
    """A missing service fails in CI and skips elsewhere."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a real Kafka: DRIFTD_TEST_KAFKA, else one shared by this run's workers."""
    if given := os.environ.get("DRIFTD_TEST_KAFKA"):
        yield given
        return
    from tests.services.kafka_server import (  # noqa: PLC0415  # most runs need no Kafka
        KafkaUnavailableError,
        acquire,
        release,
    )

    state = of_this_run(tmp_path_factory) / "kafka.json"
    try:
        address = acquire(state)
    except KafkaUnavailableError as error:
        unavailable(f"real Kafka: {error}")
        return
    try:
        yield address
    finally:
        release(state)
