"""Alerts that end because somebody says that this is normal now."""

from __future__ import annotations

from dataclasses import replace

from alerts.evidence import summary
from alerts.lifecycle import accept
from alerts.model import Status
from alerts.outgoing import Reason
from alerts.payload import payload
from alerts.render import render
from tests.alerts.incidents import DAY_MS, MARCH_31, alert
from tests.alerts.notices import EVIL, noticed, over

ANNA = {"reference_id": "abc", "by": "anna", "comment": "new market", "at": "2019-04-02T00:00:00+00:00"}


def test_what_fires_ends_no_earlier_than_it_was_bad_and_what_is_pending_is_forgotten() -> None:
    firing = alert(last_bad_ms=MARCH_31 + 2 * DAY_MS)
    ended = accept(firing, MARCH_31, ANNA)
    assert ended is not None
    assert (ended.status, ended.resolved_ms) == (Status.RESOLVED, MARCH_31 + 2 * DAY_MS)
    assert ended.annotations["accepted"] == ANNA
    assert accept(replace(firing, status=Status.PENDING), MARCH_31, ANNA) is None


def test_a_message_says_who_accepted_it_and_not_that_it_is_back_to_normal() -> None:
    accepted = replace(over(), annotations={"accepted": ANNA})
    message = render(noticed(Reason.RESOLVED, (), (accepted,)))
    assert message.title == "[RESOLVED] churn 7: inputs drifted, accepted as normal (car_value)"
    assert "accepted as normal by anna: new market" in message.text
    assert "back to normal" not in message.text
    assert summary(accepted).endswith(", accepted as normal by anna: new market")
    mixed = render(noticed(Reason.RESOLVED, (), (accepted, over("age"))))
    assert "inputs back to normal" in mixed.title
    assert "accepted as normal by anna" in mixed.text


def test_machines_are_told_too() -> None:
    notice = noticed(Reason.RESOLVED, (), (replace(over(), annotations={"accepted": ANNA}),))
    told = payload(notice, "model=churn", 60.0)
    assert "accepted as normal by anna: new market" in str(told)


def test_nothing_in_a_comment_is_markup() -> None:
    evil = replace(over(), annotations={"accepted": ANNA | {"by": EVIL, "comment": EVIL}})
    message = render(noticed(Reason.RESOLVED, (), (evil,)))
    assert "<script>" not in message.html
    assert "<!channel>" not in message.slack_markdown
    odd = replace(over(), annotations={"accepted": {"by": None, "comment": 7}})
    assert "accepted as normal: 7" in render(noticed(Reason.RESOLVED, (), (odd,))).text
