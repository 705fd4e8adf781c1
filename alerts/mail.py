"""A document as the HTML of a mail.

Inline styles only, one column, colours that are readable on white and on
black: clients drop style sheets, screens are 360 px wide, and dark mode
inverts what it likes.
"""

from __future__ import annotations

import re
from html import escape

from alerts.document import Document, Entry, Line, Look, Section, Span

FONT = "font-family:-apple-system,'Segoe UI',Roboto,Arial,sans-serif;font-size:16px;line-height:1.45"
MONO = "font-family:ui-monospace,Menlo,Consolas,monospace;font-size:14px;word-break:break-word"
CELL = "padding:10px 0;border-top:1px solid #88888866;word-break:break-word"
ACCENTS = {"[RESOLVED]": "#2e9e5b", "[TEST]": "#3a86c8", "[DIGEST]": "#3a86c8"}
ALARM = "#d9534f"
UNBREAKABLE = re.compile(r"\d[\d.,]{0,12}[kMGT]? %|--[a-z]{1,12}")  # "31 %" and "--since" stay on one line


def html(document: Document) -> str:
    """Write the whole mail; it needs nothing from anywhere else."""
    accent = next((c for start, c in ACCENTS.items() if document.title.startswith(start)), ALARM)
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{escape(document.title)}</title></head>",
        f'<body style="margin:0;padding:16px;{FONT}">',
        f'<div style="max-width:600px;margin:0 auto;border-left:4px solid {accent};padding-left:14px">',
        f'<h1 style="font-size:19px;line-height:1.3;margin:0 0 14px">{escape(document.title)}</h1>',
        *map(_section, document.sections),
        *map(_note, document.notes),
        "</div></body></html>",
    ]
    return "\n".join(parts) + "\n"


def with_picture(mail: str, name: str, text: str) -> str:
    """Put a picture that is sent along below the title."""
    image = f'<img src="cid:{escape(name)}" alt="{escape(text)}" style="max-width:100%;height:auto">'
    return mail.replace("</h1>", f'</h1>\n<p style="margin:0 0 14px">{image}</p>', 1)


def _section(section: Section) -> str:
    heading = f'<p style="margin:0 0 8px">{_line(section.heading)}</p>'
    rows = [_row(entry) for entry in section.entries]
    if section.rest:
        rows.append(f'<tr><td style="{CELL}">{_line(section.rest)}</td></tr>')
    if not rows:
        return heading
    table = '<table role="presentation" width="100%" cellspacing="0" cellpadding="0" '
    table += f'style="border-collapse:collapse;table-layout:fixed;margin:0 0 16px;{FONT}">'
    return "\n".join([heading, table, *rows, "</table>"])


def _row(entry: Entry) -> str:
    return f'<tr><td style="{CELL}"><b>{escape(entry.name)}</b>: {_line(entry.line)}</td></tr>'


def _note(line: Line) -> str:
    return f'<p style="margin:0 0 8px;font-size:14px">{_line(line)}</p>'


def _line(line: Line) -> str:
    return "".join(_span(span) for span in line)


def _span(span: Span) -> str:
    text = UNBREAKABLE.sub(r'<span style="white-space:nowrap">\g<0></span>', escape(span.text))
    if span.address:
        address = escape(span.address)  # shown as well: the plain text made from this keeps no targets
        return f'{text}: <a href="{address}" style="word-break:break-all">{address}</a>'
    if span.look is Look.STRONG:
        return f"<b>{text}</b>"
    if span.look is Look.NAME:
        return f"<i>{text}</i>"
    if span.look is Look.CODE:
        return f'<code style="{MONO}">{text}</code>'
    return text
