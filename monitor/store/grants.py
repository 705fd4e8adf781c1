"""The rights that roles need, as SQL for the schema's owner to run."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql.base import PGDialect

from monitor.store.public import PUBLIC


def grants(schema: str, reader: str, writer: str | None = None) -> str:
    """Let ``reader`` (a dashboard) select from the public views and ``writer`` (``driftd run``) work.

    Run it again after an upgrade that brings new tables or views.
    """
    quote = PGDialect().identifier_preparer.quote  # type: ignore[no-untyped-call]
    of = quote(schema)
    views = ", ".join(f"{of}.{quote(name)}" for name in PUBLIC)
    lines = [
        f"GRANT USAGE ON SCHEMA {of} TO {quote(reader)};",
        f"GRANT SELECT ON {views} TO {quote(reader)};",
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {of} TO {quote(reader)};",
    ]
    if writer is not None:
        role = quote(writer)
        lines += [
            f"GRANT USAGE ON SCHEMA {of} TO {role};",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {of} TO {role};",
            f"REVOKE INSERT, UPDATE, DELETE ON {of}.alembic_version FROM {role};",
            f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {of} TO {role};",
        ]
    return "\n".join(lines) + "\n"
