"""A notice as a message: title, Slack, mail and plain text, each within its limits."""

from __future__ import annotations

from collections.abc import Callable

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
    return written(lambda most, most_names: compose(notice, most, most_names), title(notice))


def written(document_of: Callable[[int, int], Document], headline: str) -> Message:
    """Write down what ``document_of`` gives for at most so many alerts and so many names of others."""
    document = document_of(MOST_ALERTS, MOST_NAMES)
    return Message(
        title=document.title,
        slack_markdown=_slack(document_of, headline),
        html=mail.html(document),
        text=formats.text(document),
    )


def _slack(document_of: Callable[[int, int], Document], headline: str) -> str:
    sizes = [(most, MOST_NAMES) for most in range(MOST_ALERTS, -1, -1)]
    for most, names in (*sizes, (0, 0)):
        body = formats.slack(document_of(most, names))
        if formats.slack_length(body) <= SLACK_LIMIT:
            return body
    line = (plain(headline),)  # endless links or model names
    return formats.slack(Document("", (Section(line),), ()))
