"""The logs that schedules are played on: small, always the same, with all in them that may go wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random

import msgspec
import numpy as np
import pandas as pd

from detectors.dictionary import Role
from detectors.frames import columns_from_frame
from detectors.inference import infer
from detectors.reference import Reference, build
from monitor.compile import model_plan
from monitor.config import parse
from monitor.plan import ModelPlan
from monitor.source.base import TopicPartition
from tests.monitor.worlds import HOUR_MS, NOW, START_MS

MODEL = "loans"
SERVICES = ("oncall",)
HOURS, PER_HOUR = 5, 10
GROWS_AT_HOUR = 3
ENDS_AT_HOUR = 2
"""Partition 2 has nothing after this hour: it falls idle."""
AFTER, COPIES = (*[0.1] * 5, 2.2, 2.2, 3.2, 9.2, -1.5), (0, *[1] * 18, 2)
"""By how many places a response comes after its request, and how often one is there."""
PLAIN_LOGS, LABELLED_LOGS, PAIRED_LOGS, BOTH_LOGS = 6, 2, 2, 2
CONFIG = """
[kafka]
bootstrap_servers = ["127.0.0.1:1"]
[database]
url = "sqlite://"
[models.loans]
topics = ["predictions"]
window = "1h"
lateness = "5m"
windows_up_to = "2h"
segments = ["country"]
idle_after = "30m"
min_rows = 8
"""
LABELS = """
labels_topics = ["labels"]
labels_horizon = "3d"
labels_wait = "12h"
"""
PAIRS = """
[models.loans.fields]
pair = { kind = "side", request = "in", response = "out", within = "40m", most = 6 }
"""

LABELLED = (
    *range(PLAIN_LOGS, PLAIN_LOGS + LABELLED_LOGS),
    *range(PLAIN_LOGS + LABELLED_LOGS + PAIRED_LOGS, PLAIN_LOGS + LABELLED_LOGS + PAIRED_LOGS + BOTH_LOGS),
)
Messages = Mapping[TopicPartition, Sequence[bytes | None]]


@dataclass(frozen=True, slots=True)
class Log:
    """What a broker holds at first, and what it has more of once it has grown.

    With ``begun``, an earlier life has read that many messages of each partition, and since then the broker
    has lost what lies below ``kept``.
    """

    number: int
    first: Messages
    later: Messages
    is_labelled: bool = False
    is_paired: bool = False
    begun: Mapping[TopicPartition, int] = field(default_factory=dict)
    kept: Mapping[TopicPartition, int] = field(default_factory=dict)

    @property
    def topics(self) -> tuple[str, ...]:
        return ("predictions", "labels") if self.is_labelled else ("predictions",)


@cache
def plan(*, is_labelled: bool, is_paired: bool) -> ModelPlan:
    """The model that reads the logs."""
    settings = parse(CONFIG + (LABELS if is_labelled else "") + (PAIRS if is_paired else ""))
    limit = settings.limits.max_message_bytes
    return model_plan(MODEL, settings.models[MODEL], settings.alerts, _reference(is_labelled), limit)


def _reference(is_labelled: bool) -> Reference:
    frame = _frame(Random(1), 600)
    roles = {"prediction": Role.PREDICTION, "score": Role.SCORE, "label": Role.LABEL}
    unused = ["time_ms"] if is_labelled else ["time_ms", "score", "label"]
    frame = frame.drop(columns=unused)
    dictionary = infer(frame, {name: role for name, role in roles.items() if name in frame})
    columns = columns_from_frame(frame, dictionary)
    return build(
        columns, dictionary, model=MODEL, version="", source="test", built_at=NOW, segments=("country",)
    )


def _frame(rng: Random, rows: int) -> pd.DataFrame:
    """Rows of ``rows / PER_HOUR`` hours."""
    draws = np.random.default_rng(rng.randrange(1 << 32))
    score = np.where(draws.random(rows) < 0.5, 0.1, 0.9)
    return pd.DataFrame(
        {
            "amount": draws.normal(50.0, 10.0, rows).round(1),
            "country": draws.choice(np.array(["DE", "FR"]), rows, p=(0.6, 0.4)),
            "prediction": (score > 0.5).astype(int),
            "score": score,
            "label": ((score > 0.5) ^ (draws.random(rows) < 0.1)).astype(int),
            "time_ms": START_MS + (np.arange(rows) * (HOUR_MS // PER_HOUR)),
        }
    )


@cache
def log_of(number: int) -> Log:
    """Give one of the logs: plain ones, labelled ones, paired ones, and those that are both."""
    rng = Random(1_000 + number)
    is_paired = number >= PLAIN_LOGS + LABELLED_LOGS
    is_labelled = number in LABELLED
    rows = {at: _rows(rng, at, number) for at in range(4)}
    first = {at: [row for row in found if _hour(row) < GROWS_AT_HOUR] for at, found in rows.items() if at < 3}
    later = {at: [row for row in found if _hour(row) >= GROWS_AT_HOUR] for at, found in rows.items()}
    messages = [_messages(rng, part, "predictions") for part in (first, later)]
    if is_paired:
        messages = [{at: list(_halved(rng, found)) for at, found in part.items()} for part in messages]
    if is_labelled:
        told = [_labels(rng, part) for part in (first, later)]
        messages = [{**of, **labels} for of, labels in zip(messages, told, strict=True)]
    log = Log(number, messages[0], messages[1], is_labelled=is_labelled, is_paired=is_paired)
    return log if number % 2 == 0 or is_labelled else _continued(log, rng)


Row = dict[str, object]


def _hour(row: Row) -> float:
    return (int(str(row["time_ms"])) - START_MS) / HOUR_MS


def _rows(rng: Random, partition: int, number: int) -> list[Row]:
    """One partition's rows: about in the order of time, with a shift in the middle."""
    frame = _frame(rng, HOURS * PER_HOUR)
    shifted = range(1 + number % 2, 3 + number % 3)
    rows: list[Row] = []
    for i, row in enumerate(frame.to_dict("records")):
        hour = i // PER_HOUR
        if (partition == 2 and hour >= ENDS_AT_HOUR) or (partition == 3 and hour < GROWS_AT_HOUR):
            continue
        moved = 40.0 if hour in shifted else 0.0
        time_ms = row["time_ms"] + rng.randrange(HOUR_MS // PER_HOUR)
        row_id = f"p{partition}r{i}"
        rows.append(
            {
                **{str(name): value for name, value in row.items()},
                "amount": row["amount"] + moved,
                "time_ms": time_ms,
                "id": row_id,
            }
        )
    for i in range(1, len(rows)):
        if rng.random() < 0.3 and _hour(rows[i]) // 1 != GROWS_AT_HOUR:
            rows[i - 1], rows[i] = rows[i], rows[i - 1]
    return rows


def _messages(
    rng: Random, rows: Mapping[int, Iterable[Row]], topic: str
) -> dict[TopicPartition, list[bytes | None]]:
    return {TopicPartition(topic, at): list(_with_odd_ones(rng, found)) for at, found in rows.items()}


def _with_odd_ones(rng: Random, rows: Iterable[Row]) -> Iterable[bytes | None]:
    """The rows as messages, and among them rows that are late, come twice, or cannot be used."""
    for row in rows:
        yield _payload(row)
        if _hour(row) >= 1.5 and rng.random() < 0.1:
            yield _payload(
                {**row, "id": f"{row['id']}late", "time_ms": START_MS + rng.randrange(HOUR_MS // 2)}
            )
        if rng.random() < 0.1:
            yield rng.choice((None, b"{broken", b"[]", _payload(row), _payload({**row, "amount": "much"})))


def _payload(row: Row) -> bytes:
    return msgspec.json.encode(
        {
            "id": row["id"],
            "timestamp": row["time_ms"],
            "features": {"amount": row["amount"], "country": row["country"]},
            "prediction": row["prediction"],
            "score": row["score"],
        }
    )


def _halved(rng: Random, values: Iterable[bytes | None]) -> Iterable[bytes | None]:
    """The rows as requests and responses, some far apart, the wrong way round, twice, or alone."""
    placed: list[tuple[float, bytes | None]] = []
    for place, value in enumerate(values):
        if value is None or not value.startswith(b'{"'):
            placed.append((place, value))
            continue
        row = msgspec.json.decode(value)
        answer = {"prediction": row.pop("prediction"), "score": row.pop("score")}
        asked = row | {"side": "in"}
        answered = {"id": row["id"], "timestamp": row["timestamp"] + 900, "side": "out"} | answer
        placed += [
            (place + after, msgspec.json.encode(half))
            for half, after in ((asked, 0.0), (answered, rng.choice(AFTER)))
            for _ in range(rng.choice(COPIES))
        ]
    return [value for _, value in sorted(placed, key=lambda each: each[0])]


def _labels(rng: Random, rows: Mapping[int, Iterable[Row]]) -> dict[TopicPartition, list[bytes | None]]:
    """Labels of most rows, up to two hours later; some are told twice, some differently, some of nobody."""
    told: dict[TopicPartition, list[bytes | None]] = {}
    for at, found in rows.items():
        known: list[tuple[int, str, int]] = []
        for row in found:
            time_ms, label = int(str(row["time_ms"])) + rng.randrange(2 * HOUR_MS), int(str(row["label"]))
            known.append((time_ms, str(row["id"]), label))
            if rng.random() < 0.1:
                known.append((time_ms + HOUR_MS // 2, str(row["id"]), rng.choice((label, 1 - label))))
            if rng.random() < 0.05:
                known.append((time_ms, f"nobody{row['id']}", label))
        told[TopicPartition("labels", at)] = [
            msgspec.json.encode({"id": row_id, "timestamp": time_ms, "label": label})
            for time_ms, row_id, label in sorted(known)
        ]
    return told


def _continued(log: Log, rng: Random) -> Log:
    """An earlier life has read the beginning, and some of what comes next is lost."""
    begun = {at: rng.randrange(5, len(found) // 2) for at, found in log.first.items()}
    lost_in = rng.choice(sorted(begun))
    kept = {lost_in: begun[lost_in] + rng.randrange(1, 6)}
    return Log(log.number, log.first, log.later, is_paired=log.is_paired, begun=begun, kept=kept)
