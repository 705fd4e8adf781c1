"""The databases that the pages' queries are asked of."""

from __future__ import annotations

from tests.services.postgres_fixtures import empty_postgres_url, postgres_databases, postgres_url

__all__ = ["empty_postgres_url", "postgres_databases", "postgres_url"]  # fixtures, known here by name
