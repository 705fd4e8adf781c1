"""Digests from the engine's rounds to the outbox."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from alerts.timetable import Timetable
from monitor.clock import ManualClock
from monitor.digesting import Digests
from monitor.source.base import TopicPartition
from monitor.store.base import Alerting, Noted, Store
from monitor.store.result_tables import notification
from monitor.telling import Speaking
from tests.monitor.store.rows import AT, MODEL, alert, held
from tests.monitor.worlds import chunk, log, new_engine, new_store, plan

BEFORE = AT.replace(hour=6)


def note(store: Store, feature: str) -> None:
    one = alert(feature)
    store.register_models([MODEL], AT)
    with store.lock(MODEL) as lock:
        held(lock).write(Alerting(alerts=(one,), noted=(Noted("team", one.alert_id, AT),)))


def outbox(store: Store) -> list[Any]:
    with store._database.reading() as connection:  # type: ignore[attr-defined]
        return list(connection.execute(select(notification.c.title).order_by(notification.c.id)).scalars())


def run(
    store: Store, digests: Digests, days: float, hours: float = 0, timetable: str = "daily 07:00"
) -> None:
    to = {"team": Timetable.parse(timetable)}
    digests.run(store, to, (), ("team",), BEFORE + timedelta(days=days, hours=hours))


def test_a_digest_is_sent_once_at_its_time_and_again_the_next_day() -> None:
    store, digests = new_store(), Digests()
    run(store, digests, 0)
    note(store, "age")
    run(store, digests, 0, 0.9)
    assert outbox(store) == []
    for minutes in (1.0, 1.1, 5):
        run(store, digests, 0, minutes)
    assert outbox(store) == ["[DIGEST] 1 new (churn)"]
    run(store, digests, 1, 2)
    assert outbox(store)[1:] == ["[DIGEST] 1 still firing (churn)"]


def test_two_processes_and_a_restart_send_it_once() -> None:
    store = new_store()
    run(store, Digests(), 0)
    note(store, "age")
    one, other = Digests(), Digests()
    run(store, one, 0, 0.5)
    run(store, other, 0, 0.5)
    for digests in (one, other, Digests()):
        run(store, digests, 0, 2)
    assert len(outbox(store)) == 1


def test_a_digest_that_is_late_is_sent_once_for_all_the_time() -> None:
    store = new_store()
    run(store, Digests(), 0)
    note(store, "age")
    note(store, "plan")
    run(store, Digests(), 9)
    assert outbox(store) == ["[DIGEST] 2 new (churn)"]


def test_a_timetable_that_was_changed_holds_from_now_on() -> None:
    store = new_store()
    run(store, Digests(), 0, timetable="saturday 07:00")
    note(store, "age")
    digests = Digests()
    run(store, digests, 0, timetable="daily 07:00")
    run(store, digests, 0, 2, timetable="daily 07:00")
    assert len(outbox(store)) == 1


def test_a_clock_that_was_set_back_does_not_hold_the_digest_up() -> None:
    store, digests = new_store(), Digests()
    run(store, digests, 400)
    note(store, "age")
    run(store, digests, 0)
    run(store, digests, 0, 2)
    assert len(outbox(store)) == 1


def test_what_the_engine_finds_goes_to_one_service_at_once_and_to_the_other_in_its_digest() -> None:
    store, at = new_store(), TopicPartition("predictions", 0)
    engine = new_engine(store, [at])
    seven = Timetable.parse("daily 07:00")
    engine.replace_plans(engine.plans, Speaking(services=("oncall", "team"), digests={"team": seven}))
    engine.send_digests()
    engine.take([chunk(at, log(6, shift_from_hour=3))])
    engine.commit()
    engine.close_windows()
    clock = engine.clock
    assert isinstance(clock, ManualClock)
    clock.advance(61)
    engine.flush_alerts()
    engine.send_digests()
    assert [service for service, _ in _outbox(store)] == ["oncall"]
    clock.advance(86_400)
    engine.send_digests()
    service, title = _outbox(store)[-1]
    assert service == "team"
    assert title.startswith("[DIGEST] ")
    assert title.endswith(" new (loans)")


def test_whoever_tells_nobody_as_a_replay_does_notes_nothing() -> None:
    store, at = new_store(), TopicPartition("predictions", 0)
    engine = new_engine(store, [at], {"loans": plan(SERVICES)})
    engine.take([chunk(at, log(6, shift_from_hour=3))])
    engine.commit()
    assert engine.close_windows()
    with store.digest("team") as turn:
        assert turn is not None
        assert turn.standing()
        assert turn.changed() == ()


SERVICES = """
[alerts.services]
team = { url = "mailto://example.com", digest = "daily 07:00" }
"""


def _outbox(store: Store) -> list[tuple[str, str]]:
    rows = select(notification.c.service, notification.c.title).order_by(notification.c.id)
    with store._database.reading() as connection:  # type: ignore[attr-defined]
        return [(row.service, row.title) for row in connection.execute(rows)]
