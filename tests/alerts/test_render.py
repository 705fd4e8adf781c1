"""Messages as people get them.

After a wanted change run DRIFTD_REWRITE_GOLDEN=1 python -m pytest tests/alerts, then read the difference.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from apprise.plugins.slack import NotifySlack
from hypothesis import given
from hypothesis import strategies as st

from alerts.model import Alert, Severity
from alerts.notice import Notice
from alerts.outgoing import Message, Reason
from alerts.render import render
from tests.alerts.incidents import (
    DAY_MS,
    MARCH_31,
    alert,
    change_alert,
    changes,
    drift,
    medians,
    metric_alert,
    nulls,
    residual_alert,
    shares_alert,
)
from tests.alerts.notices import CASES, CONTEXT, LINKS, LOAN, many, noticed

GOLDEN = Path(__file__).parent / "golden"
ALLOWED = frozenset(
    [
        "html",
        "head",
        "meta",
        "title",
        "body",
        "div",
        "h1",
        "p",
        "table",
        "tr",
        "td",
        "b",
        "i",
        "code",
        "span",
        "a",
    ]
)


def delivered(message: Message) -> str:
    """Give the text that Apprise's own code hands to Slack."""
    convert: Callable[[str], str] = NotifySlack._commonmark_to_slack
    return convert(message.slack_markdown)


def written(message: Message) -> dict[str, str]:
    return {
        "slack.txt": f"{message.title}\n\n{delivered(message)}\n",
        "txt": f"{message.title}\n\n{message.text}",
        "html": message.html,
    }


@pytest.mark.parametrize("name", CASES)
def test_messages_are_as_they_were_approved(name: str) -> None:
    for suffix, text in written(render(CASES[name])).items():
        path = GOLDEN / f"{name}.{suffix}"
        if os.environ.get("DRIFTD_REWRITE_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{path.name} differs"


def test_golden_files_all_belong_to_a_case() -> None:
    assert {path.name.split(".")[0] for path in GOLDEN.iterdir()} == set(CASES)


class Tags(HTMLParser):
    """Notes the tags of a page and its visible text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag != "meta":
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check(message: Message) -> None:
    slack = delivered(message)
    for part in (message.title, message.slack_markdown, message.text, message.html):
        assert part.strip()
    assert len(slack) <= 3000
    assert len(message.title) <= 140
    assert "\n" not in message.title
    links = re.findall(r"<([^>]*)>", slack)
    assert [link.split("|")[0].replace("&amp;", "&") for link in links] in ([], list(LINKS.values()))
    assert not re.search(r"(?m)^#|&(?!amp;|lt;|gt;)", slack)
    for character in "\u202e\x00\u200b":
        assert character not in message.title + slack + message.text + message.html
    page = Tags(message.html)
    assert page.open == []
    assert page.tags <= ALLOWED
    assert page.links in ([], list(LINKS.values()))


@pytest.mark.parametrize("name", CASES)
def test_messages_keep_to_the_limits_of_their_services(name: str) -> None:
    check(render(CASES[name]))


NASTY = (
    st.text(
        alphabet=st.sampled_from([*"&<>*_~`@!#|[]()\\ab/: \n", "\u202e", "\u200b", "\x00", "年"]), max_size=80
    )
    | st.text()
)
HOSTILE = st.builds(
    lambda feature, category, shift, note, details: alert(
        feature,
        shift=shift,
        check=category,
        annotations=drift(details(category, note), 0.4, 0.3),
    ),
    NASTY,
    NASTY,
    st.sampled_from(["covariate", "prior", "concept", "performance", "quality", "new"]),
    NASTY,
    st.sampled_from(
        [
            lambda category, _: changes({category: (0.1, 0.5)}),
            lambda category, note: nulls()["details"] | {"check": category, "note": note, "observed": note},
            lambda category, _: metric_alert(category, 0.9, 0.8, 0.7, 0.9).annotations["details"],
            lambda category, note: change_alert(category, 0.1, 0.2, detector=note).annotations["details"],
            lambda category, _: change_alert(f"nulls of {category}", 0.1, 0.2).annotations["details"],
            lambda category, _: residual_alert(category).annotations["details"],
            lambda category, note: shares_alert(note, **{category: (0.1, 0.2, 0.1, 0.3)}).annotations[
                "details"
            ],
        ]
    ),
)


@given(
    st.lists(HOSTILE, min_size=1, max_size=14), st.lists(HOSTILE, max_size=2), NASTY, st.sampled_from(Reason)
)
def test_no_name_out_of_the_data_breaks_a_message(
    firing: list[Alert], resolved: list[Alert], model: str, reason: Reason
) -> None:
    check(render(Notice(model, reason, tuple(firing), tuple(resolved), context=CONTEXT)))


ODD = (
    st.none()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.booleans()
    | st.lists(st.none(), max_size=1)
)
KEYS = ("effect", "effect_low", "adjusted_p", "level", "window_start_ms", "window_end_ms", "rows", "advice")
DETAILS = st.fixed_dictionaries({}, optional=dict.fromkeys(("kind", "total_rows", "failed_rows"), ODD))
OPTIONAL = dict.fromkeys(KEYS, ODD) | {"details": ODD | DETAILS}


@given(st.lists(st.fixed_dictionaries({}, optional=OPTIONAL), min_size=1, max_size=3))
def test_annotations_of_any_shape_give_a_message(annotations: list[dict[str, Any]]) -> None:
    shifts = ("covariate", "concept", "performance")
    firing = tuple(
        alert(f"f{i}", shift=shift, annotations=one)
        for i, (one, shift) in enumerate(zip(annotations, shifts, strict=False))
    )
    check(render(Notice("churn", Reason.FIRST, firing)))


def test_the_worst_comes_first() -> None:
    loud = alert("zip", severity=Severity.CRITICAL, annotations=drift(medians(1, 2, 0.1), 0.1, 0.05))
    text = render(noticed(Reason.FIRST, (*LOAN, loud))).text
    names = re.findall(r"(?m)^- (\w+)", text)
    assert names == ["zip", "loan_length", "car_value", "salary_range"]


def test_more_than_ten_features_are_counted() -> None:
    text = render(noticed(Reason.FIRST, many(43))).text
    assert len(re.findall(r"(?m)^- ", text)) == 10
    assert "and 33 more: feature_32, feature_31" in text


def test_a_model_name_cannot_leave_its_command_or_query() -> None:
    message = render(Notice("a'; DROP TABLE x; --", Reason.FIRST, LOAN))
    assert "model = 'a''; DROP TABLE x; --'" in message.text
    assert "--model 'a'\"'\"'; DROP TABLE x; --' --since" in message.text


def test_critical_alerts_say_so_in_the_title() -> None:
    assert render(CASES["no_data"]).title == "[FIRING:1] CRITICAL churn 7: broken data (row_count)"


def test_the_story_is_the_first_line() -> None:
    message = render(CASES["accuracy_fell"])
    assert message.text.startswith("Inputs moved and accuracy fell.\n")
    assert message.slack_markdown.startswith("Inputs moved and accuracy fell.\n")
    assert message.title.startswith("[FIRING:4] churn 7: inputs moved and accuracy fell (")


def test_a_window_whose_labels_came_late_is_named() -> None:
    late = metric_alert("r2", 0.8, 0.7, 0.6, 0.75, last_bad_ms=MARCH_31)
    text = render(noticed(Reason.FIRST, (LOAN[0], late))).text
    assert "in the window up to 31 Mar 2019 00:00 UTC\n" in text
    assert text.count("in the window up to") == 1


def test_what_is_silenced_is_not_denied() -> None:
    notice = CASES["elsewhere"]
    assert render(notice).text.startswith("Inputs moved and accuracy fell.")
    assert "car_value" not in render(notice).text
    alone = render(noticed(Reason.FIRST, notice.firing)).text
    assert alone.startswith("Inputs did not move but accuracy fell: the relation changed.")


def test_a_change_point_has_one_date_only() -> None:
    early, late = change_alert("loss", 0.06, 0.11), change_alert("loss", 0.06, 0.12)
    late = replace(late, labels=(("feature", "late"), ("shift", "concept")), opened_ms=MARCH_31 + DAY_MS)
    text = render(noticed(Reason.FIRST, (early, late))).text
    assert text.count(", since 1 Apr") == 0
    assert text.count("since 31 Mar 2019 14:00 UTC") == 2
