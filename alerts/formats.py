"""A document written for Slack, for mail and as plain text. Everything is escaped here, whoever wrote it."""

from __future__ import annotations

import re

from alerts.document import Document, Line, Look, Section, Span

# Slack knows no backslash escapes: its markup is replaced by characters that look alike. What CommonMark
# would read as a link, a mention or an entity is escaped for Apprise, which writes the entity.
LOOKALIKES = {"\\": "\u2216", "*": "\u2217", "~": "\u223c", "`": "\u02cb", "@": "\uff20"}
SLACK_PLAIN = str.maketrans(LOOKALIKES | {c: f"\\{c}" for c in "<>[]"})
SLACK_CODE = str.maketrans({c: LOOKALIKES[c] for c in "\\`"})  # to Apprise a backslash hides a closing `
OUTER_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # car_value keeps its own
ENTITY_COST = {"&": 4, "<": 3, ">": 3}  # characters that Slack's escaping adds to one


def slack(document: Document) -> str:
    """Write the body in the CommonMark that Apprise turns into Slack's mrkdwn."""
    blocks = [_slack_section(section) for section in document.sections]
    blocks += ["\n".join(_slack_line(note) for note in document.notes)] if document.notes else []
    return "\n\n".join(blocks)


def slack_length(markdown: str) -> int:
    """Give the length that Slack will count, entities included; never less than the true one."""
    return len(markdown) + sum(markdown.count(c) * cost for c, cost in ENTITY_COST.items())


def text(document: Document) -> str:
    """Write the body as plain text."""
    blocks = [_text_section(section) for section in document.sections]
    blocks += ["\n".join(_text_line(note) for note in document.notes)] if document.notes else []
    return "\n\n".join(blocks) + "\n"


def _slack_section(section: Section) -> str:
    lines = [_slack_line(section.heading)]
    lines += [f"• {_slack_code(entry.name)}: {_slack_line(entry.line)}" for entry in section.entries]
    lines += [_slack_line(section.rest)] if section.rest else []
    return "\n".join(lines)


def _slack_line(line: Line) -> str:
    return "".join(_slack_span(span) for span in line)


def _slack_span(span: Span) -> str:
    if span.look in {Look.NAME, Look.CODE}:
        return _slack_code(span.text)
    words = OUTER_UNDERSCORE.sub("\uff3f", span.text).replace("://", ":\u2215\u2215").translate(SLACK_PLAIN)
    if span.address:
        return f"[{words}](<{span.address.replace('>', '%3E').replace('<', '%3C')}>)"
    if span.look is Look.STRONG:
        inner = words.rstrip()
        return f"**{inner}**{words[len(inner) :]}"
    return words


def _slack_code(text: str) -> str:
    return f"`{text.translate(SLACK_CODE)}`"


def _text_section(section: Section) -> str:
    lines = [_text_line(section.heading)]
    lines += [f"- {entry.name}: {_text_line(entry.line)}" for entry in section.entries]
    lines += [_text_line(section.rest)] if section.rest else []
    return "\n".join(lines)


def _text_line(line: Line) -> str:
    return "".join(f"{s.text}: {s.address}" if s.address else s.text for s in line)
