from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from alerts.model import Status
from alerts.mute import Matcher, Silence
from alerts.outgoing import Notification, Reason, Sent
from monitor.store.base import Alerting, Outbound, Store
from monitor.store.outbox import table
from tests.monitor.store.rows import AT, MODEL, alert, held, later, notification

LEASE_S = 60


def queue(store: Store, *notifications: Notification) -> None:
    with store.lock(MODEL) as lock:
        assert lock is not None
        lock.write(Alerting(notifications=notifications))


def claim(store: Store, now: datetime = AT, limit: int = 10) -> list[Outbound]:
    return list(store.claim(["slack", "mail"], now, LEASE_S, limit))


def titles(claimed: list[Outbound]) -> list[str]:
    return [one.message.title for one in claimed]


def sent(store: Store) -> dict[str, Sent]:
    with store.lock(MODEL) as lock:
        assert lock is not None
        return dict(lock.sent("model=churn"))


def test_a_claimed_row_carries_its_message(store: Store) -> None:
    queue(store, notification())
    (one,) = claim(store)
    assert (one.service, one.group_key, one.attempts, one.created_at) == ("slack", "model=churn", 1, AT)
    assert one.message == notification().message


def test_a_lease_keeps_others_away_until_it_ends(store: Store) -> None:
    queue(store, notification())
    (first,) = claim(store)
    assert claim(store, later(seconds=LEASE_S - 1)) == []
    (second,) = claim(store, later(seconds=LEASE_S))
    assert (second.id, second.attempts) == (first.id, 2)


def test_only_the_asked_services_are_claimed_oldest_first_up_to_the_limit(store: Store) -> None:
    queue(store, notification("mail"), notification("slack"), notification("pager"))
    assert [one.service for one in claim(store, limit=1)] == ["mail"]
    assert [one.service for one in claim(store)] == ["slack"]
    assert list(store.claim([], AT, LEASE_S, 10)) == []


def test_a_newer_notification_takes_the_place_of_the_unsent_one(store: Store) -> None:
    queue(store, notification(title="first"), notification("mail", title="first"))
    queue(store, notification(title="second"))
    assert titles(claim(store)) == ["first", "second"]


def test_a_newer_notification_waits_for_the_one_under_way(store: Store) -> None:
    queue(store, notification(title="first"))
    (first,) = claim(store)
    queue(store, notification(title="second"))
    assert claim(store, later(seconds=1)) == []
    store.mark_sent(first.id, later(seconds=2))
    assert titles(claim(store, later(seconds=3))) == ["second"]


def test_a_superseded_notification_is_not_tried_again(store: Store) -> None:
    queue(store, notification(title="first"))
    (first,) = claim(store)
    queue(store, notification(title="second"))
    store.mark_failed(first.id, "503", later(seconds=2))
    assert titles(claim(store, later(seconds=3))) == ["second"]


def test_a_failed_row_is_due_again_at_its_time(store: Store) -> None:
    queue(store, notification())
    (one,) = claim(store)
    store.mark_failed(one.id, "503", later(minutes=5))
    assert claim(store, later(minutes=4)) == []
    assert [again.attempts for again in claim(store, later(minutes=5))] == [2]


def test_a_row_that_was_given_up_is_never_claimed_again(store: Store) -> None:
    queue(store, notification())
    (one,) = claim(store)
    store.mark_failed(one.id, "no such channel", None)
    assert claim(store, later(days=9)) == []
    queue(store, notification(title="second"))
    assert titles(claim(store, later(days=9))) == ["second"]
    assert sent(store) == {}


def test_what_each_service_was_last_told_is_its_latest_sent_row(store: Store) -> None:
    queue(store, notification("slack"), notification("mail"))
    for one in claim(store):
        store.mark_sent(one.id, later(seconds=1))
    queue(store, notification("slack", firing=frozenset(), resolved=frozenset({"f"})))
    assert set(sent(store)) == {"slack", "mail"}
    assert sent(store)["slack"].firing == {alert().alert_id}
    (last,) = claim(store)
    store.mark_sent(last.id, later(minutes=9))
    assert sent(store)["slack"] == Sent(frozenset(), frozenset({"f"}), later(minutes=9))


def test_a_test_message_does_not_count_as_told(store: Store) -> None:
    store.enqueue(notification(reason=Reason.TEST, firing=frozenset()))
    (one,) = claim(store)
    store.mark_sent(one.id, AT)
    assert sent(store) == {}


def test_alerts_are_notified_from_the_first_message_that_was_sent(store: Store) -> None:
    with store.lock(MODEL) as lock:
        assert lock is not None
        lock.write(Alerting(alerts=(alert("age"), alert("plan")), notifications=(notification(),)))
    assert {row["notified"] for row in store.view("alert_history")} == {False}
    (one,) = claim(store)
    store.mark_sent(one.id, later(seconds=3))
    queue(store, notification())
    (two,) = claim(store)
    store.mark_sent(two.id, later(days=3))
    with store.lock(MODEL) as lock:  # the alert goes on; that it was told stays
        assert lock is not None
        lock.write(Alerting(alerts=(alert("age", bad_windows=5),)))
    told = {row["feature"]: (row["notified"], row["notified_at"]) for row in store.view("alert_history")}
    assert told == {"age": (True, later(seconds=3)), "plan": (False, None)}


def test_an_incident_is_notified_by_the_message_about_it_and_not_by_one_about_its_successor(
    store: Store,
) -> None:
    once, again = alert(status=Status.RESOLVED), alert(hour=5)
    with store.lock(MODEL) as lock:
        held(lock).write(Alerting(alerts=(once, again), notifications=(notification(),)))
    (about_once,) = claim(store)
    store.mark_sent(about_once.id, later(seconds=3))
    told = {row["alert_id"]: row["notified"] for row in store.view("alert_history")}
    assert told == {once.alert_id: True, again.alert_id: False}
    queue(store, notification(firing=frozenset({again.alert_id})))
    (about_again,) = claim(store)
    store.mark_sent(about_again.id, later(seconds=9))
    assert {row["notified"] for row in store.view("alert_history")} == {True}


def test_only_the_latest_of_what_is_said_again_and_again_is_kept(store: Store) -> None:
    queue(store, notification(), notification("mail"))
    for minute in range(4):
        for one in claim(store, later(minutes=minute)):
            store.mark_sent(one.id, later(minutes=minute))
        queue(store, notification(reason=Reason.RESEND))
    rows = select(table.service, table.reason, table.state).order_by(table.id)
    with store._database.reading() as connection:  # type: ignore[attr-defined]
        kept = [tuple(row) for row in connection.execute(rows)]
    assert kept == [
        ("slack", "first", "sent"),
        ("mail", "first", "sent"),
        ("slack", "resend", "sent"),
        ("slack", "resend", "queued"),
    ]


def test_silences_are_kept_with_their_matchers(store: Store) -> None:
    silence = Silence(None, (Matcher("feature", "a|b", is_regex=True),), AT, later(hours=2), "ann", "deploy")
    number = store.add_silence(silence)
    (kept,) = store.silences()
    assert kept == Silence(number, silence.matchers, AT, later(hours=2), "ann", "deploy")
    with store.lock(MODEL) as lock:
        assert lock is not None
        assert lock.silences() == (kept,)


def test_a_silence_is_expired_once(store: Store) -> None:
    number = store.add_silence(Silence(None, (Matcher("model", MODEL),), AT, later(hours=2), "ann", ""))
    assert store.expire_silence(number, later(hours=1))
    assert not store.expire_silence(number, later(hours=1))
    assert not store.expire_silence(number + 1, later(hours=1))
    assert [one.ends_at for one in store.silences()] == [later(hours=1)]


def test_a_silence_that_has_not_begun_expires_as_an_empty_one(store: Store) -> None:
    silence = Silence(None, (Matcher("model", MODEL),), later(hours=1), later(hours=2), "ann", "")
    assert store.expire_silence(store.add_silence(silence), AT)
    assert [(one.starts_at, one.ends_at) for one in store.silences()] == [(later(hours=1), later(hours=1))]
