"""Questions that a data scientist asks in SQL, and their answers from the demo's database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, in words and in SQL."""

    words: str
    sql: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, as text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


QUESTIONS = (
    Question(
        "How did car_value drift, week by week?",
        """\
SELECT date_trunc('week', window_start)::date AS week,
       count(*) AS days,
       count(*) FILTER (WHERE verdict = 'drift') AS drifted,
       round(100 * avg(effect))::int AS percent_moved
FROM driftd.drift_history
WHERE model = 'car_loan' AND feature = 'car_value'
  AND detector = 'ks' AND multiple = 1
  AND window_start >= '2019-03-04' AND window_start < '2019-04-29'
GROUP BY week ORDER BY week""",
    ),
    Question(
        "Which features drifted most since 31 March?",
        """\
SELECT shift, feature,
       count(*) FILTER (WHERE verdict = 'drift') AS days_drifted,
       count(*) AS days,
       round(100 * avg(effect))::int AS percent_moved
FROM driftd.drift_history
WHERE model = 'car_loan' AND window_start >= '2019-03-31'
  AND multiple = 1 AND p_value IS NOT NULL
GROUP BY shift, feature ORDER BY percent_moved DESC, feature""",
    ),
    Question(
        "Which alerts were there, and when was somebody told?",
        """\
SELECT feature, status, opened_at::date AS since, bad_windows,
       to_char(notified_at, 'HH24:MI:SS') AS told_at
FROM driftd.alert_history
WHERE model = 'car_loan'
ORDER BY opened_at, feature""",
    ),
)


def answers(url: str) -> Iterator[tuple[Question, Answer]]:
    """Ask every question."""
    with psycopg.connect(url, options="-c TimeZone=UTC") as connection:
        for question in QUESTIONS:
            cursor = connection.execute(question.sql.encode())
            columns = tuple(column.name for column in cursor.description or ())
            yield question, Answer(columns, tuple(tuple(map(_text, row)) for row in cursor))


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)
