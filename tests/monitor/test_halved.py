"""Requests and responses through the engine and in files, and how the configuration speaks of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from monitor.clock import ManualClock
from monitor.config import parse
from monitor.engine import Engine
from monitor.errors import ConfigError
from monitor.gauges import Gauges
from monitor.metrics import Metrics
from monitor.references import built
from monitor.replaying import replay_files
from monitor.source.base import Polled, Record, TopicPartition
from monitor.store.base import Reject, Store
from monitor.telling import Speaking
from tests.monitor.worlds import NOW, START_MS, ListSource, chunk, config, new_store, plan

AT, ELSEWHERE = TopicPartition("predictions", 0), TopicPartition("predictions", 1)
PAIR = """
[models.loans.fields]
pair = { kind = "side", request = "in", response = "out", within = "10m" }
"""
SETTINGS = """
[kafka]
bootstrap_servers = ["localhost:9092"]
[database]
url = "sqlite://"
[models.loans]
topics = ["p"]
"""


class Box:
    """Where messages that could not be used are put."""

    def __init__(self) -> None:
        self.kept: list[tuple[int, str]] = []

    def keep(self, letters: Sequence[tuple[Record, Reject]]) -> None:
        self.kept += [(record.offset, reject.reason) for record, reject in letters]


def engine_of(store: Store, box: Box | None = None, partitions: Sequence[TopicPartition] = (AT,)) -> Engine:
    source = ListSource()
    source.existing = frozenset(partitions)
    engine = Engine(source, store, {"loans": plan(PAIR)}, ManualClock(NOW), "earliest", dead_letters=box)
    engine.assignment(Polled(assigned=frozenset(partitions)))
    engine.claim()
    return engine


def asked(call: str, minute: float = 0.0) -> bytes:
    features = {"age": 41.0, "country": "DE", "owner": True}
    told = {"id": call, "timestamp": START_MS + int(minute * 60_000), "side": "in", "features": features}
    return json.dumps(told).encode()


def answered(call: str, minute: float = 0.0) -> bytes:
    told = {
        "id": call,
        "timestamp": START_MS + int(minute * 60_000),
        "side": "out",
        "prediction": 1,
        "score": 0.9,
    }
    return json.dumps(told).encode()


def rows(store: Store) -> list[tuple[int, int, int]]:
    windows = store.view("window_history", newest_first=False)
    return [(row["rows"], row["late"], row["rejected"]) for row in windows]


def test_halves_that_were_read_before_a_restart_meet_those_that_come_after_it() -> None:
    store = new_store()
    first = engine_of(store)
    first.take([chunk(AT, [asked("a"), asked("b", 1), answered("b", 1)])])
    first.commit()
    first.take([chunk(AT, [answered("a", 2)], 3)])  # and is gone before it is written
    second = engine_of(store)
    second.take([chunk(AT, [answered("a", 2), asked("c", 3)], 3)])
    second.commit()
    assert [half.key.offset for half in store.halves([AT])] == [4]
    second.close_windows(everything=True)
    assert rows(store) == [(2, 0, 0)]


def test_a_row_whose_window_has_ended_when_its_later_half_comes_is_late() -> None:
    store = new_store()
    engine = engine_of(store)
    values = [asked("a", 55), answered("a", 56), asked("b", 59), asked("c", 64), answered("c", 65.5)]
    engine.take([chunk(AT, [*values, answered("b", 66)])])
    engine.commit()
    engine.close_windows(everything=True)
    assert rows(store) == [(1, 1, 0), (1, 0, 0)]


def test_halves_in_different_partitions_do_not_meet_and_are_both_set_aside() -> None:
    store, box = new_store(), Box()
    engine = engine_of(store, box, (AT, ELSEWHERE))
    engine.take([chunk(AT, [asked("a")]), chunk(ELSEWHERE, [answered("a")])])
    engine.commit()
    assert box.kept == []
    later = [asked("x", 20), answered("x", 20)]
    engine.take([chunk(AT, later, 1), chunk(ELSEWHERE, [each.replace(b'"x"', b'"y"') for each in later], 1)])
    engine.commit()
    engine.close_windows(everything=True)
    assert box.kept == [(0, "unpaired"), (0, "unpaired")]
    assert {(row["partition"], row["message_offset"], row["reason"]) for row in store.view("rejects")} == {
        (0, 0, "unpaired"),
        (1, 0, "unpaired"),
    }
    assert rows(store) == [(2, 0, 2)]


def test_what_waits_is_shown() -> None:
    engine, registry = engine_of(new_store()), CollectorRegistry()
    gauges = Gauges(Metrics(registry, "test"), ManualClock(NOW), {})
    for values, waiting in (([asked("a"), asked("b")], 2), ([answered("a")], 1)):
        engine.take([chunk(AT, values, engine.state.partitions[AT].next)])
        gauges.before_commit(engine.state)
        engine.commit()
        gauges.after_commit(engine.state)
        assert registry.get_sample_value("driftd_waiting_halves", {"model": "loans"}) == waiting


def test_a_reference_is_built_of_both_halves_however_far_apart_they_are_in_the_file(tmp_path: Path) -> None:
    def logged(call: int, kind: str, body: object) -> str:
        inside = base64.b64encode(json.dumps(body).encode()).decode()
        told = {"id": str(call), "reqType": f"x.inference.{kind}", "bytes": inside}
        return json.dumps(told | {"occurrenceTime": "2026-01-01T00:00:00Z"})

    lines = [logged(n, "request", {"instances": [[n, "DE" if n % 2 else "FR"]]}) for n in range(60)]
    lines += [logged(n, "response", {"predictions": [n % 2]}) for n in range(59)]
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(lines))
    fields = '[models.loans.fields]\npreset = "kserve-blob"\npair = {}\nfeature_names = ["age", "country"]\n'
    reference = built("loans", parse(SETTINGS + fields).models["loans"], path, NOW)
    assert reference.profile.rows == 59
    assert set(reference.grids) == {"age", "country", "prediction"}


def test_halves_that_wait_at_the_end_of_a_replayed_file_are_set_aside(tmp_path: Path) -> None:
    path, store = tmp_path / "log.jsonl", new_store()
    values = [asked("a"), answered("a"), asked("b", 1), answered("c", 2), asked("d", 61), answered("d", 61)]
    path.write_bytes(b"\n".join(values))
    known = plan(PAIR).reference
    done = replay_files(config(PAIR), "loans", known, [path], store, ManualClock(NOW), Speaking())
    assert (done.rows, done.rejected) == (2, 2)
    told = {row["message_offset"]: row["detail"] for row in store.view("rejects")}
    assert told == {
        2: "no response of 'b' came in time (pair.within)",
        3: "no request of 'c' came in time (pair.within)",
    }
    path.write_bytes(b"\n".join(values[:4]))
    again = new_store()
    done = replay_files(config(PAIR), "loans", known, [path], again, ManualClock(NOW), Speaking())
    assert (done.rows, done.rejected) == (1, 2)
    told = {row["message_offset"]: row["detail"] for row in again.view("rejects")}
    assert told == {2: "no response of 'b' came before the end", 3: "no request of 'c' came before the end"}
    assert rows(again) == [(1, 0, 2)]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ("pair = {}", 'fields.pair.kind: is needed: preset "nested" does not say how'),
        ('pair = { kind = "k", request = "a" }', "fields.pair.response: is needed"),
        ('pair = { kind = "k", request = "a", response = "a" }', '"a" is what requests are told by, too'),
        ('pair = { kind = "$kind", request = "a", response = "b" }', "fields.pair.kind"),
        ('preset = "kserve-v1"\npair = { within = "0s" }', "no half would wait for the other one"),
        ('preset = "kserve-v1"\nid = ""\npair = {}', "fields.id: is off, but pair needs it"),
        ('preset = "kserve-v1"\npair = true', 'expected a table like { within = "10m" }'),
    ],
)
def test_a_pair_that_cannot_be_made_is_a_mistake_of_the_configuration(fields: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(f"{SETTINGS}[models.loans.fields]\n{fields}\n")
    assert told in str(caught.value)
