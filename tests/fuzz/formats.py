"""Logs of every preset, some of their messages damaged: a value replaced, text cut, bytes flipped."""

from __future__ import annotations

import base64
import json
from functools import cache
from random import Random
from typing import Any

from monitor.decode.decoder import Decoder
from monitor.source.base import Message, TopicPartition
from tests.monitor.decode.logs import messages, rows
from tests.monitor.decode.test_presets import MANY, PREDICTING, SINGLE, decoder

PRESETS = (*MANY, *SINGLE)
AT = TopicPartition("logged", 0)
MOST_ROWS = 20

_ODD: tuple[Any, ...] = (
    None, True, 0, -1, 10**400, 1e308, float("nan"), "", "{", "\x00", "\ud800", 'a,b\n"', "e30=", [], {},
    [[]], [None], [{}], [1] * 21, [[1, 2]], {"instances": []}, {"inputs": {"a": [1], "b": []}}, {"": {}},
    {"data": {}},
    [{"name": "x", "shape": [10**9, 0], "data": []}], [{"name": "x", "shape": [2, -1], "data": [1, 2]}],
    [{"name": "x", "shape": [], "data": 1}], {"dataframe_split": {"columns": [[]], "data": [[1], 2]}},
    {"tensor": {"shape": [2, 2], "values": [[1, 2], [3, [4]]]}}, "1\n" * 21, "x\n\n" * 5, '"' * 40,
)  # fmt: skip


@cache
def reader_of(preset: str) -> Decoder:
    prefix = "stats__" if preset == "feast" else ""
    return decoder(preset, prefix=prefix, predicts=preset in PREDICTING, most=MOST_ROWS)


def damaged_log(rng: Random, preset: str, n: int) -> list[Message]:
    """Give messages of a preset, about half of them as they should be."""
    batches = [rows(rng, rng.choice((1, 2, 5)) if preset in MANY else 1) for _ in range(n)]
    made = list(messages((MANY | SINGLE)[preset], rng, batches))
    return [_damaged(rng, message) if rng.random() < 0.5 else _at(message, message.value) for message in made]


def _at(message: Message, value: bytes | None, **more: Any) -> Message:
    headers = more.get("headers", message.headers)
    offset = 256 * message.offset  # each is looked through for unknown keys
    return Message(offset, value, message.key, more.get("timestamp", message.timestamp), headers)


def _damaged(rng: Random, message: Message) -> Message:
    value = message.value or b""
    kind = rng.random()
    if kind < 0.02:
        return _at(message, None)
    if kind < 0.2:
        at = rng.randrange(len(value))
        return _at(message, value[:at] + rng.choice((b"", b"\xff", b"[", b'"', b"\x00")) + value[at + 1 :])
    if kind < 0.3:
        return _at(message, value[: rng.randrange(len(value))])
    if kind < 0.4:
        headers = [(name, rng.choice((text, None, b"\xff", b""))) for name, text in message.headers]
        return _at(message, value, headers=headers, timestamp=rng.choice((-1, 0, 1 << 62, message.timestamp)))
    payload = json.loads(value)
    for _ in range(rng.choice((1, 1, 3))):
        payload = _changed(rng, payload)
    return _at(message, json.dumps(payload).encode("utf-8", "surrogatepass"))


def _changed(rng: Random, value: Any) -> Any:
    """Change something in it: in texts that hold JSON, also inside of these."""
    if rng.random() < 0.15:
        return rng.choice(_ODD)
    if isinstance(value, dict) and value:
        key = rng.choice(list(value))
        kept = {name: each for name, each in value.items() if name != key}
        return kept if rng.random() < 0.15 else kept | {key: _changed(rng, value[key])}
    if isinstance(value, list) and value:
        at = rng.randrange(len(value))
        return [*value[:at], _changed(rng, value[at]), *value[at + rng.randrange(2) :]]
    return _inside(rng, value) if isinstance(value, str) and rng.random() < 0.7 else rng.choice(_ODD)


def _inside(rng: Random, text: str) -> Any:
    for opened, closed in ((_same, _same), (_decoded, _encoded)):
        try:
            found = json.loads(opened(text))
        except ValueError:
            continue
        if isinstance(found, dict | list):
            return closed(json.dumps(_changed(rng, found)))
    return rng.choice((text[: len(text) // 2], text * 3, rng.choice(_ODD)))


def _same(text: str) -> str:
    return text


def _decoded(text: str) -> str:
    return base64.b64decode(text, validate=True).decode()


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()
