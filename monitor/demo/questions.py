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


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The model's accuracy over a stretch of time: estimated without labels, and known from so many."""

    labels: int
    estimated: float
    known: float


HOW_GOOD = """\
SELECT CASE WHEN window_start < '2019-03-31'
            THEN 'before' ELSE 'since' END AS drift,
       count(*) FILTER (WHERE NOT is_estimate) AS days,
       sum(labelled_rows) AS labels,
       round(avg(value) FILTER (WHERE is_estimate)::numeric, 3) AS estimated,
       round((sum(value * labelled_rows)
              / sum(labelled_rows))::numeric, 3) AS known,
       round(min(reference_value)::numeric, 3) AS in_training
FROM driftd.performance_history
WHERE model = 'car_loan' AND metric = 'accuracy' AND multiple = 1
GROUP BY drift ORDER BY drift"""
"""Accuracy before and since the drift, estimated before there were labels, and known from them."""


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
    Question("How good was the model, before and since 31 March?", HOW_GOOD),
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


def accuracies(url: str) -> tuple[Accuracy, Accuracy]:
    """Give the accuracy before and since the drift."""
    with psycopg.connect(url, options="-c TimeZone=UTC") as connection:
        rows = connection.execute(HOW_GOOD.encode()).fetchall()
    before, since = (Accuracy(int(row[2]), float(row[3]), float(row[4])) for row in rows)
    return before, since


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)
