"""A notice as a message: title, Slack, mail and plain text, each within its limits."""

from __future__ import annotations

from alerts import formats, mail
from alerts.compose import compose
from alerts.document import Document, Section, plain
from alerts.headline import title
from alerts.notice import Notice
from alerts.outgoing import Message

SLACK_LIMIT = 2_900  # a section takes 3,000
MOST_ALERTS, MOST_NAMES = 10, 12


def render(notice: Notice) -> Message:
    """Write the notice down for every kind of service.

    Slack's body stays under its limit by telling fewer alerts one by one; the
    others are counted, never dropped. No part is ever blank.
    """
    document = compose(notice, MOST_ALERTS, MOST_NAMES)
    return Message(
        title=document.title,
        slack_markdown=_slack(notice),
        html=mail.html(document),
        text=formats.text(document),
    )


def _slack(notice: Notice) -> str:
    sizes = [(most, MOST_NAMES) for most in range(MOST_ALERTS, -1, -1)]
    for most, names in (*sizes, (0, 0)):
        body = formats.slack(compose(notice, most, names))
        if formats.slack_length(body) <= SLACK_LIMIT:
            return body
    line = (plain(title(notice)),)  # endless links or model names
    return formats.slack(Document("", (Section(line),), ()))
