"""Dotted paths: how the configuration says where in a message a value is."""

from __future__ import annotations

from monitor.decode.layout import Keys, Meta, Where

_METAS = {
    "$key": Meta("key"),
    "$timestamp": Meta("timestamp"),
    "$topic": Meta("topic"),
    "$partition": Meta("partition"),
    "$offset": Meta("offset"),
}
_HEADERS = "$headers."
_CHOICES = "$key, $headers.NAME, $timestamp, $topic, $partition, $offset"
_SPECIAL = ".\\$"
OR = " or "
VALUE = "$value"
"""The whole of a message's value."""


def parse_path(text: str) -> Where:
    r"""Read a path (``\.`` is a dot in a key); raises ValueError with the way out."""
    return _meta(text) if text.startswith("$") else parse_keys(text)


def parse_keys(text: str) -> Keys:
    """Read a path that leads into the message's value; raises ValueError with the way out."""
    if text.startswith("$"):
        raise ValueError(f'"{text}" is not in the message\'s value: give keys, like "user.age"')
    keys = tuple(_split(text))
    if not all(keys):
        raise ValueError(f'"{text}" has an empty part: write keys joined by single dots, like "user.age"')
    return keys


def parse_places(text: str) -> tuple[Where, ...]:
    """Read paths with " or " between them: the first that has a value holds. None in an empty text."""
    return tuple(map(parse_path, text.split(OR))) if text else ()


def parse_inside(text: str) -> Keys:
    """Read a path into the message's value, or `VALUE` for the whole of it."""
    return () if text == VALUE else parse_keys(text)


def path_text(where: Where) -> str:
    """Give the text that `parse_path` reads as this place."""
    if not isinstance(where, Meta):
        return ".".join(_escaped(key) for key in where)
    return f"{_HEADERS}{where.header}" if where.name == "header" else f"${where.name}"


def _meta(text: str) -> Meta:
    if text in _METAS:
        return _METAS[text]
    header = text.removeprefix(_HEADERS)
    if header and header != text:
        return Meta("header", header)
    raise ValueError(f'"{text}" is none of {_CHOICES}; a key that begins with $ is written with \\ before it')


def _split(text: str) -> list[str]:
    parts, current, escaping = [], "", False
    for letter in text:
        if escaping and letter not in _SPECIAL:
            raise ValueError(
                f'"{text}" has a backslash before {letter!r}: only \\., \\\\ and \\$ are escapes'
            )
        if escaping or letter not in ".\\":
            current, escaping = current + letter, False
        elif letter == "\\":
            escaping = True
        else:
            parts.append(current)
            current = ""
    if escaping:
        raise ValueError(f'"{text}" ends in a backslash: write two for a backslash in a key')
    return [*parts, current]


def _escaped(key: str) -> str:
    text = key.replace("\\", "\\\\").replace(".", "\\.")
    return f"\\{text}" if text.startswith("$") else text
