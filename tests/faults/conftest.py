"""The databases of the tests of faults."""

from __future__ import annotations

from tests.services.postgres_fixtures import postgres_databases, postgres_url

__all__ = ["postgres_databases", "postgres_url"]  # fixtures, known here by name
