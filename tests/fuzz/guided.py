"""The decoder under libFuzzer, through atheris: bytes that reach new code are kept and grown.

Started by `python -m tests.fuzz`; its arguments are libFuzzer's.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["monitor.decode", "json"], enable_loader_override=False):
    from monitor.source.base import Chunk, Message
    from tests.fuzz.properties import one_outcome_each, ways_agree
    from tests.fuzz.worlds import TOPICS, decoder, plan
    from tests.monitor.worlds import NOW, START_MS

READERS = [(at, decoder(plan(is_plain=plain), at)) for plain in (True, False) for at in TOPICS]


def one_input(data: bytes) -> None:
    """The first byte chooses the reader, the rest is the message."""
    at, reader = READERS[(data[0] if data else 0) % len(READERS)]
    record = Message(0, data[1:], timestamp=START_MS)
    one_outcome_each(reader.decode(Chunk(at, [record]), NOW), [record])
    ways_agree(reader, [record.value])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
