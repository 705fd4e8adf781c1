"""What every test of the service is cleaned up after."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.monitor.worlds import OPENED


@pytest.fixture(autouse=True)
def _closed_stores() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close_connections()
