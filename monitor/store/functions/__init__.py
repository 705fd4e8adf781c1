"""Functions of SQL over stored counts, on Postgres: they read the detectors' wire form.

Like views they are made anew whenever the schema moves to a newer revision. They call each other by the
schema's name, so they work whatever ``search_path`` is, and they run with the caller's rights.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from monitor.store.views import comment

FOLDER = Path(__file__).parent
FILES = (
    "driftd_inflate",
    "driftd_vector",
    "driftd_cells",
    "driftd_add",
    "driftd_sum",
    "driftd_reference",
    "driftd_ks",
    "driftd_psi",
)
"""In the order in which they need each other."""


@dataclass(frozen=True, slots=True)
class PublicFunction:
    """A function that users may call: its name, its arguments, what it gives, in words too."""

    name: str
    arguments: str
    result: str
    comment: str
    kind: str = "FUNCTION"


FUNCTIONS = (
    PublicFunction(
        "driftd_sum",
        "bytea",
        "bigint[]",
        "adds up the counts of many windows: exactly those of all their rows",
        "AGGREGATE",
    ),
    PublicFunction(
        "driftd_reference",
        "text, text",
        "bigint[]",
        "the counts of one feature in a reference (refs.id), to compare with",
    ),
    PublicFunction(
        "driftd_ks",
        "bigint[], bigint[]",
        "double precision",
        "the largest difference of the shares up to any value: D of Kolmogorov and Smirnov, the statistic of "
        "detector ks, for numeric features; null when one side has no values",
    ),
    PublicFunction(
        "driftd_psi",
        "bigint[], bigint[]",
        "double precision",
        "population stability index over the cells of the first counts, the statistic of detector psi; "
        "null when one side has no values",
    ),
    PublicFunction(
        "driftd_cells",
        "bytea",
        "bigint[]",
        "stored counts as numbers: first the kind (1 numeric, 2 categorical), then one for each cell; of a "
        "numeric feature from left to right: below the grid, on its first point, up to the next ..., above; "
        "of a categorical one its known categories, then all others together",
    ),
    PublicFunction("driftd_add", "bigint[], bigint[]", "bigint[]", "adds two counts on one grid"),
    PublicFunction("driftd_add", "bigint[], bytea", "bigint[]", "adds stored counts to others on one grid"),
    PublicFunction("driftd_vector", "bytea, integer", "bigint[]", "a part of driftd_cells"),
    PublicFunction("driftd_inflate", "bytea", "bytea", "a part of driftd_cells: undoes zlib's compression"),
)


def make_functions(connection: Connection, schema: str | None) -> None:
    """Create the functions, or replace them, with their comments; other databases than Postgres get none."""
    if connection.dialect.name != "postgresql":
        return
    of = connection.dialect.identifier_preparer.quote(schema or "")
    for name in FILES:
        made = (FOLDER / f"{name}.sql").read_text(encoding="utf-8").replace("{schema}", of)
        connection.exec_driver_sql(made, execution_options={"no_parameters": True})
    for one in FUNCTIONS:
        connection.execute(comment(one.kind, f"{of}.{one.name}({one.arguments})", one.comment))
