"""The databases that the pages' queries are asked of, and the folder in which their commands are typed."""

from __future__ import annotations

from tests.monitor.cli.conftest import bare
from tests.services.postgres_fixtures import empty_postgres_url, postgres_databases, postgres_url

__all__ = ["bare", "empty_postgres_url", "postgres_databases", "postgres_url"]  # fixtures, known here by name
