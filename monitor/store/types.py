"""How values look in the database: moments, texts, figures and JSON that both databases accept."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Double, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB, TEXT
from sqlalchemy.types import TypeDecorator, TypeEngine

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def to_datetime(ms: int) -> datetime:
    """Milliseconds since 1970 as an aware moment; OverflowError outside the years 1 to 9999."""
    return EPOCH + ms * MILLISECOND


def within(ms: int) -> int:
    """Bring a bound of a search into the years that a database can hold."""
    return min(max(ms, FIRST_MS), LAST_MS)


def to_ms(at: datetime) -> int:
    """Give milliseconds since 1970, rounded down."""
    return (at - EPOCH) // MILLISECOND


FIRST_MS = to_ms(datetime.min.replace(tzinfo=UTC))
LAST_MS = to_ms(datetime.max.replace(tzinfo=UTC))


class Instant(TypeDecorator[datetime]):
    """An aware moment: ``timestamptz`` in Postgres; text in UTC, without a zone, in SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else in_utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else aware(value)


class EventTime(TypeDecorator[int]):
    """Milliseconds since 1970 in Python, the same moment as `Instant` in the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else to_datetime(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else to_ms(aware(value))


def in_utc(at: datetime) -> datetime:
    """Refuse naive times."""
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no time zone; the store takes aware times only")
    return at.astimezone(UTC)


def aware(at: datetime) -> datetime:
    """Read what a database gave: SQLite forgets the zone, Postgres may use the session's."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


class Words(TypeDecorator[str]):
    """Text of any origin, sorted by its bytes in both databases.

    Postgres refuses NUL and no encoding has lone surrogates; logged data has both.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return TEXT(collation="C") if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else clean(value)


def clean(text: str) -> str:
    """Replace what a database cannot hold by U+FFFD."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class Figure(TypeDecorator[float]):
    """A floating-point number; NaN, of which SQL's comparisons make nonsense, is NULL."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:  # noqa: ARG002
        return None if value is None or math.isnan(value) else value


def dump_json(value: Any) -> str:
    """JSON that Postgres accepts: no NaN or Infinity (null instead), no NUL, no lone surrogates."""
    try:
        text = json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(tame(value))
    return json.dumps(tame(value)) if "\\u0000" in text or "\\ud" in text else text


def tame(value: Any) -> Any:
    """Replace, at any depth, what JSON in Postgres cannot hold."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {tame(key): tame(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [tame(item) for item in value]
    return value


Json = JSON().with_variant(JSONB(), "postgresql")
RowId = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows only in an INTEGER key
