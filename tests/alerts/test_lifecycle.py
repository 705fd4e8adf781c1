from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.lifecycle import LOUDNESS, step
from alerts.model import Alert, Observation, Severity, Status, labels

HOUR_MS = 3_600_000
LABELS = labels(model="churn", shift="covariate", feature="age")


def seen(
    hour: int, verdicts: Mapping[int, bool | None], severity: Severity = Severity.WARNING, evidence: str = ""
) -> Observation:
    shortest = min((n for n, verdict in verdicts.items() if verdict), default=1)
    start_ms, end_ms = (hour + 1 - shortest) * HOUR_MS, (hour + 1) * HOUR_MS
    return Observation(LABELS, verdicts, start_ms, end_ms, severity, {"evidence": evidence})


def life(
    *rounds: Mapping[int, bool | None], for_windows: int = 1, keep_windows: int = 2
) -> list[Alert | None]:
    """Keep what ended while something is pending, as whoever calls `step` has to."""
    alert: Alert | None = None
    ended: Alert | None = None
    states = []
    for hour, verdicts in enumerate(rounds):
        ended = alert if alert is not None and alert.status is Status.RESOLVED else ended
        alert = step(alert, seen(hour, verdicts), for_windows, keep_windows)
        states.append(alert)
        alert = ended if alert is None else alert
    return states


def statuses(*rounds: Mapping[int, bool | None], for_windows: int = 1, keep_windows: int = 2) -> list[str]:
    return [
        "-" if alert is None else str(alert.status)
        for alert in life(*rounds, for_windows=for_windows, keep_windows=keep_windows)
    ]


BAD, CLEAR, SILENT = {1: True}, {1: False}, {1: None}


@pytest.mark.parametrize(
    ("rounds", "for_windows", "keep_windows", "expected"),
    [
        ((CLEAR, SILENT), 1, 1, ["-", "-"]),
        ((BAD,), 1, 1, ["firing"]),
        ((BAD, BAD), 2, 1, ["pending", "firing"]),
        ((BAD, CLEAR), 2, 1, ["pending", "-"]),
        ((BAD, SILENT, BAD), 2, 1, ["pending", "pending", "firing"]),
        ((BAD, CLEAR, CLEAR), 1, 2, ["firing", "firing", "resolved"]),
        ((BAD, CLEAR, BAD, CLEAR, CLEAR), 1, 2, ["firing", "firing", "firing", "firing", "resolved"]),
        ((BAD, CLEAR, SILENT, CLEAR), 1, 2, ["firing", "firing", "firing", "resolved"]),
        ((BAD, CLEAR, CLEAR), 1, 1, ["firing", "resolved", "resolved"]),
        ((BAD, CLEAR, BAD), 1, 1, ["firing", "resolved", "firing"]),
        ((BAD, CLEAR, BAD), 2, 1, ["pending", "-", "pending"]),
        ((BAD, {}), 1, 1, ["firing", "firing"]),
    ],
)
def test_an_alert_goes_through_its_life(
    rounds: tuple[Mapping[int, bool | None], ...], for_windows: int, keep_windows: int, expected: list[str]
) -> None:
    assert statuses(*rounds, for_windows=for_windows, keep_windows=keep_windows) == expected


def test_an_alert_of_a_long_window_resolves_only_when_such_a_window_is_clear() -> None:
    slow: Mapping[int, bool | None] = {1: False, 2: None, 4: True}
    shorter: Mapping[int, bool | None] = {1: False, 2: False}
    whole: Mapping[int, bool | None] = {1: False, 2: False, 4: False}
    assert statuses(slow, shorter, shorter, whole, keep_windows=1) == [
        "firing",
        "firing",
        "firing",
        "resolved",
    ]


def test_a_bad_window_of_any_length_makes_the_round_bad_and_the_shortest_bad_one_counts() -> None:
    states = life({1: False, 2: False, 4: True}, {1: False, 2: True, 4: True})
    assert [state.multiple for state in states if state] == [4, 2]


def test_times_are_those_of_the_windows() -> None:
    alert = life(BAD, BAD, CLEAR, CLEAR, for_windows=2)[-1]
    assert alert is not None
    assert (alert.opened_ms, alert.fired_ms) == (0, 2 * HOUR_MS)
    assert (alert.last_bad_ms, alert.resolved_ms) == (2 * HOUR_MS, 4 * HOUR_MS)


def test_severity_is_the_loudest_seen_in_the_incident_and_evidence_the_latest() -> None:
    alert = step(None, seen(0, BAD, Severity.CRITICAL, "first"), 1, 1)
    alert = step(alert, seen(1, BAD, Severity.INFO, "second"), 1, 1)
    assert alert is not None
    assert (alert.severity, alert.annotations) == (Severity.CRITICAL, {"evidence": "second"})
    resolved = step(alert, seen(2, CLEAR), 1, 1)
    again = step(resolved, seen(3, BAD, Severity.INFO), 1, 1)
    assert resolved is not None
    assert again is not None
    assert (resolved.annotations, again.severity) == ({"evidence": "second"}, Severity.INFO)


def test_a_new_incident_has_a_new_id_even_when_its_long_window_reaches_back_over_the_old_one() -> None:
    states = life(BAD, CLEAR, {1: False, 4: True}, keep_windows=1)
    old, new = states[1], states[2]
    assert old is not None
    assert new is not None
    assert new.alert_id != old.alert_id
    assert new.opened_ms == old.resolved_ms
    assert new.fingerprint == old.fingerprint


ROUNDS = st.lists(
    st.dictionaries(st.sampled_from([1, 2, 4]), st.sampled_from([True, False, None]), max_size=3), max_size=30
)
PATIENCE = st.integers(1, 4)


@given(ROUNDS, PATIENCE, PATIENCE)
def test_rounds_that_say_nothing_change_nothing(
    rounds: list[Mapping[int, bool | None]], for_windows: int, keep_windows: int
) -> None:
    for alert in life(*rounds, for_windows=for_windows, keep_windows=keep_windows):
        for verdicts in ({}, {1: None}, {1: None, 2: None, 4: None}):
            assert step(alert, seen(99, verdicts), for_windows, keep_windows) is alert


@given(ROUNDS, PATIENCE, PATIENCE)
def test_a_firing_alert_leaves_only_through_resolved_and_a_resolved_one_only_to_a_new_incident(
    rounds: list[Mapping[int, bool | None]], for_windows: int, keep_windows: int
) -> None:
    for before, after in pairwise([None, *life(*rounds, for_windows=for_windows, keep_windows=keep_windows)]):
        if before is not None and before.status is Status.FIRING:
            assert after is not None
            assert after.status in {Status.FIRING, Status.RESOLVED}
            assert after.alert_id == before.alert_id
            assert LOUDNESS[after.severity] >= LOUDNESS[before.severity]
        if before is not None and before.status is Status.RESOLVED and after is not before:
            assert after is not None
            assert after.status is not Status.RESOLVED
            assert after.alert_id != before.alert_id


@given(ROUNDS, PATIENCE, PATIENCE)
def test_the_same_observations_give_the_same_alert(
    rounds: list[Mapping[int, bool | None]], for_windows: int, keep_windows: int
) -> None:
    one = life(*rounds, for_windows=for_windows, keep_windows=keep_windows)
    assert one == life(*rounds, for_windows=for_windows, keep_windows=keep_windows)


@given(ROUNDS, PATIENCE, PATIENCE)
def test_incidents_of_one_alert_never_share_an_id_or_overlap(
    rounds: list[Mapping[int, bool | None]], for_windows: int, keep_windows: int
) -> None:
    states = life(*rounds, for_windows=for_windows, keep_windows=keep_windows)
    fired = {a.alert_id: a for a in states if a is not None and a.status is not Status.PENDING}
    incidents = sorted(fired.values(), key=lambda alert: alert.opened_ms)
    for earlier, later in pairwise(incidents):
        assert earlier.resolved_ms is not None
        assert earlier.opened_ms < earlier.resolved_ms <= later.opened_ms
