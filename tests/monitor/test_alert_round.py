from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from alerts.flush import Settings
from alerts.model import Alert, Status
from detectors.result import Verdict
from monitor.alerting import AlertRound
from monitor.findings import Finding
from tests.monitor.store.rows import AT, HOUR, START, finding

Round = Mapping[int, bool]
ROUNDS = st.lists(st.dictionaries(st.sampled_from((1, 2, 4)), st.booleans()), max_size=12)


def findings(hour: int, verdicts: Round) -> list[Finding]:
    """What windows of each length that end with this hour say of one feature."""
    end_ms = START + (hour + 1) * HOUR
    return [
        finding(
            start_ms=end_ms - length * HOUR,
            end_ms=end_ms,
            multiple=length,
            verdict=Verdict.DRIFT if is_bad else Verdict.OK,
        )
        for length, is_bad in verdicts.items()
    ]


def lived(rounds: Sequence[Round], at_once: int, settings: Settings) -> dict[str, Alert]:
    """Go through rounds, so many in one transaction; give what the database has then."""
    stored: dict[str, Alert] = {}
    for first in range(0, len(rounds), at_once):
        alerts = AlertRound(given_again(stored), settings, frozenset())
        for hour in range(first, min(first + at_once, len(rounds))):
            start_ms = START + hour * HOUR
            alerts.step(findings(hour, rounds[hour]), (), start_ms, start_ms + HOUR)
        changes = alerts.changes((), frozenset(), AT)
        stored |= {alert.alert_id: alert for alert in changes.alerts}
        for forgotten in changes.forgotten:
            stored.pop(forgotten, None)
    return stored


def given_again(stored: Mapping[str, Alert]) -> list[Alert]:
    """What a store gives of alerts with equal labels: the latest, and what ended before if it is pending."""
    alerts = sorted(stored.values(), key=lambda alert: alert.opened_ms)
    pending = [alert for alert in alerts[-1:] if alert.status is Status.PENDING]
    return [*[alert for alert in alerts if alert not in pending][-1:], *pending]


@given(ROUNDS, st.integers(1, 3), st.integers(1, 3), st.integers(1, 12))
@example([{1: True}, {1: True}, {1: False}, {2: True}, {2: False}, {4: True}, {4: True}], 2, 1, 12)
def test_alerts_do_not_depend_on_how_many_windows_a_transaction_closes(
    rounds: list[Round], for_windows: int, keep_windows: int, at_once: int
) -> None:
    settings = Settings(for_windows=for_windows, keep_windows=keep_windows)
    assert lived(rounds, at_once, settings) == lived(rounds, 1, settings)
