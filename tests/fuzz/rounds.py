"""One round of fuzzing: the messages of one seed, three topics, every promise."""

from __future__ import annotations

from random import Random

from monitor.decode.decoder import Batch, Decoder
from monitor.plan import ModelPlan
from monitor.source.base import Chunk, Message, TopicPartition
from tests.fuzz.formats import AT, PRESETS, damaged_log, reader_of
from tests.fuzz.grammar import key, message, timestamp
from tests.fuzz.properties import counted, cut, hold, judged, merged_alike
from tests.fuzz.worlds import TOPICS, decoder, plan
from tests.monitor.worlds import NOW

CHUNK = 400
ROUND = CHUNK * (len(TOPICS) + 1)
_TYPED_SHARE = 0.7


def round_of(seed: int) -> int:
    """Fuzz with one seed's messages; give how many of them were rows. Raises what breaks."""
    rng = Random(seed)
    made = plan(is_plain=rng.random() < _TYPED_SHARE)
    rows = 0
    for at in TOPICS:
        reader, records = decoder(made, at), records_of(rng)
        batch = hold(reader, at, records, rng)
        counted(made, at, records)
        rows += len(batch)
        if at.topic == "predictions":
            _profiles(made, reader, batch, at, records, rng)
    preset = rng.choice(PRESETS)
    hold(reader_of(preset), AT, damaged_log(rng, preset, CHUNK), rng)
    return rows


def records_of(rng: Random) -> list[Message]:
    """Give messages; the offsets of one in five make it one that is looked through for extra columns."""
    offsets = [256 * i if i % 5 == 0 else 256 * i + 1 for i in range(CHUNK)]
    return [Message(offset, message(rng), key(rng), timestamp(rng)) for offset in offsets]


def _profiles(
    made: ModelPlan, reader: Decoder, batch: Batch, at: TopicPartition, records: list[Message], rng: Random
) -> None:
    parts = [reader.decode(Chunk(at, part), NOW) for part in cut(records, rng)]
    judged(made, merged_alike(made.reference, batch, parts))
