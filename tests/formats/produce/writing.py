"""What the programs here have in common: where rows come from, how messages are kept. Python alone."""

from __future__ import annotations

import base64
import json
import platform
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any


def rows() -> list[dict[str, Any]]:
    """Give the rows that are to be written."""
    found: list[dict[str, Any]] = json.loads(Path(sys.argv[1]).read_text())
    return found


def keep(name: str, lines: Iterable[str], *packages: str) -> None:
    """Keep messages, one a line, and beside them which versions wrote them."""
    samples = Path(sys.argv[2])
    (samples / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    versions = [f"{package} {version(package)}" for package in packages]
    told = [f"Python {platform.python_version()}", *versions]
    (samples / f"{name}.versions.txt").write_text("".join(f"{line}\n" for line in told))


def message(value: bytes, headers: Mapping[str, bytes], key: bytes | str | None, time_ms: int) -> str:
    """Give a Kafka message as a line; values and headers as text where they are some, else as base64."""
    kept = _kept("$value", value)
    name = key.decode() if isinstance(key, bytes) else key
    texts = {header: text.decode() for header, text in headers.items() if text.isascii()}
    others = {header: _base64(data) for header, data in headers.items() if not data.isascii()}
    told = {"$key": name, "$timestamp": time_ms, "$headers": texts}
    return json.dumps(kept | told | ({"$headers_base64": others} if others else {}), ensure_ascii=False)


def _kept(name: str, data: bytes) -> dict[str, str]:
    return {name: data.decode()} if data[:1] == b"{" else {f"{name}_base64": _base64(data)}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
