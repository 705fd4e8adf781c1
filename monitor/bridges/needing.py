"""Packages that only some need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from monitor.errors import DataError


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Import what an extra brings; raises DataError that says how to get it."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or extra).partition(".")[0]
        raise DataError(f"{package} is not installed: pip install 'driftd[{extra}]'") from error
