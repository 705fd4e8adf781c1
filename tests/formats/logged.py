"""A hundred rows that each system's own library is given to write; only the standard library is needed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
START_MS = int(START.timestamp()) * 1000
STEP_MS = 250


@dataclass(frozen=True, slots=True)
class Row:
    """What one call was asked, what it answered, and when."""

    id: str
    time_ms: int
    age: float
    plan: str
    visits: int
    owner: bool
    prediction: int
    score: float

    @property
    def features(self) -> dict[str, Any]:
        return {"age": self.age, "plan": self.plan, "visits": self.visits, "owner": self.owner}


def hundred() -> list[Row]:
    """Give the rows: the same ones each time."""
    rng = Random(2026)
    plans = ("basic", "pro, old", "größer", '"quoted"', "7")
    return [
        Row(
            id=f"call-{number}",
            time_ms=START_MS + number * STEP_MS,
            age=round(rng.gauss(40, 12), 3),
            plan=rng.choice(plans),
            visits=rng.randrange(-3, 2**40 if rng.random() < 0.1 else 12),
            owner=rng.random() < 0.5,
            prediction=rng.randrange(2),
            score=round(rng.random(), 6),
        )
        for number in range(100)
    ]


def as_dicts() -> list[dict[str, Any]]:
    """Give the rows as the programs read them."""
    return [asdict(row) for row in hundred()]
