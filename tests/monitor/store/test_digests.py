"""One service's digest: exactly as durable as the outbox it goes to."""

from __future__ import annotations

from contextlib import suppress

import pytest

from alerts.model import Status
from alerts.outgoing import Reason
from monitor.store.base import Alerting, DigestTurn, Noted, Store
from tests.monitor.store.rows import AT, MODEL, alert, held, later, notification

AGE, PLAN_OVER = alert("age"), alert("plan", status=Status.RESOLVED)


def turn_of(turn: DigestTurn | None) -> DigestTurn:
    assert turn is not None
    return turn


def note(store: Store, *services: str) -> None:
    noted = tuple(Noted(name, one.alert_id, AT) for name in services for one in (AGE, PLAN_OVER))
    with store.lock(MODEL) as lock:
        held(lock).write(Alerting(alerts=(AGE, PLAN_OVER), noted=noted))


def changed(store: Store, service: str) -> list[str]:
    with store.digest(service) as turn:
        return sorted(one.label("feature") for one in turn_of(turn).changed())


def test_what_was_noted_is_told_once_and_to_each_service(store: Store) -> None:
    note(store, "mail", "weekly")
    with store.digest("mail") as turn:
        assert turn_of(turn).due_at() is None
        told_of = turn_of(turn).changed()
        assert sorted(told_of, key=lambda one: one.label("feature")) == [AGE, PLAN_OVER]
        assert turn_of(turn).standing() == (AGE,)
        told = notification("mail", reason=Reason.DIGEST, group_key="digest=mail 1", model="")
        turn_of(turn).end(told, later(days=1))
    assert [one.group_key for one in store.claim(["mail"], AT, 60, 9)] == ["digest=mail 1"]
    assert changed(store, "mail") == []
    assert changed(store, "weekly") == ["age", "plan"]
    with store.digest("mail") as turn:
        assert turn_of(turn).due_at() == later(days=1)


def test_nothing_is_forgotten_when_the_digest_does_not_reach_the_outbox(store: Store) -> None:
    note(store, "mail")
    with suppress(KeyboardInterrupt), store.digest("mail") as turn:
        turn_of(turn).changed()
        turn_of(turn).end(notification("mail", reason=Reason.DIGEST), later(days=1))
        raise KeyboardInterrupt
    assert store.claim(["mail"], AT, 60, 9) == ()
    assert changed(store, "mail") == ["age", "plan"]


def test_what_is_noted_meanwhile_is_for_the_next_one(store: Store) -> None:
    note(store, "mail")
    with store.digest("mail") as turn:
        turn_of(turn).changed()
        turn_of(turn).end(None, later(days=1))
    note(store, "mail")
    assert changed(store, "mail") == ["age", "plan"]


@pytest.mark.integration
def test_only_one_process_sends_it(pair: tuple[Store, Store]) -> None:
    one, other = pair
    with one.digest("mail") as turn:
        turn_of(turn).plan(AT)
    with one.digest("mail") as turn, other.digest("mail") as second:
        assert (turn is None, second is None) == (False, True)
        with other.digest("team") as third:
            assert third is not None
