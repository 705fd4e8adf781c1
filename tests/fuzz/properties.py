"""What holds for every message, whatever its bytes: broken promises are raised as AssertionError."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from random import Random

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from detectors.columns import Column, concatenate
from detectors.profile import Profile, decode, encode, summarise
from detectors.quality import check
from detectors.reference import Reference
from monitor.decode.cells import column_of
from monitor.decode.decoder import Batch, Decoder
from monitor.decode.layout import Meta
from monitor.decode.meta import texts
from monitor.decode.payload import Reason, Refused, read
from monitor.decode.times import milliseconds
from monitor.intake import PartitionState, State, take_in
from monitor.judge import judge
from monitor.levels import rules_for
from monitor.plan import ModelPlan
from monitor.readers import Decoded, Readers
from monitor.source.base import Chunk, Message, TopicPartition
from monitor.store.types import clean, dump_json
from monitor.windows import Span
from monitor.writing import progress
from tests.monitor.worlds import HOUR_MS, NOW, START_MS

REASONS = frozenset(Reason) - {Reason.UNKNOWN_MODEL}  # that one is the intake's
UNREAD = frozenset({Reason.NOT_UTF8, Reason.NOT_JSON, Reason.TOO_DEEP})
"""What only the careful way finds: it reads all of a message, the fast way skips what nobody asked for."""


def hold(decoder: Decoder, at: TopicPartition, records: Sequence[Message], rng: Random) -> Batch:
    """Check all that must hold for these messages of one partition; give their rows."""
    whole = decoder.decode(Chunk(at, records), NOW)
    one_outcome_each(whole, records)
    parts = [decoder.decode(Chunk(at, part), NOW) for part in cut(records, rng)]
    same_rows(whole, parts)
    if decoder._events is None:
        ways_agree(decoder, [record.value for record in records])
    return whole


def one_outcome_each(batch: Batch, records: Sequence[Message]) -> None:
    """Every message is rows, a reject with a known reason, a tombstone, passed over or another model's."""
    rows, rejects = batch.offsets.tolist(), [reject.offset for reject in batch.rejects]
    assert rows == sorted(rows)
    tombstones = [record.offset for record in records if record.value is None]
    assert batch.tombstones == len(tombstones)
    seen = sorted([*dict.fromkeys(rows), *rejects, *tombstones, *batch.others_at])
    assert len(seen) == len(set(seen)), "more than one outcome"
    assert set(seen) <= {record.offset for record in records}
    assert len(seen) + batch.filtered == len(records), "not exactly one outcome each"
    for reject in batch.rejects:
        assert reject.reason in REASONS
        assert reject.detail
        assert len(reject.detail) < 1_000
        assert len(reject.sample) <= 1_024
    for name, column in batch.columns.items():
        assert len(column) == len(rows), name
        _typed(column)


def _typed(column: Column) -> None:
    """Cells are finite or not, or text; what is not there is NaN or None."""
    if column.values.dtype == np.float64:
        return
    present = column.present().tolist()
    assert all(type(cell) is str for cell in present)
    for cell in present:
        cell.encode()  # lone surrogates are no text


def cut(records: Sequence[Message], rng: Random) -> Iterable[Sequence[Message]]:
    """Cut anywhere; many parts are single messages."""
    at = 0
    while at < len(records):
        size = rng.choice((1, 1, 5, 40, 100))
        yield records[at : at + size]
        at += size


def same_rows(whole: Batch, parts: Sequence[Batch]) -> None:
    """The parts' rows are the whole's, cell by cell."""
    assert whole.offsets.tolist() == np.concatenate([part.offsets for part in parts]).tolist()
    assert whole.times_ms.tolist() == np.concatenate([part.times_ms for part in parts]).tolist()
    assert sorted(whole.rejects, key=lambda r: r.offset) == sorted(
        (reject for part in parts for reject in part.rejects), key=lambda r: r.offset
    )
    assert whole.filtered == sum(part.filtered for part in parts)
    assert sorted(whole.others_at) == sorted(at for part in parts for at in part.others_at)
    assert _listed(whole.ids) == [each for part in parts for each in _listed(part.ids)]
    for name, column in whole.columns.items():
        same_cells(name, column, concatenate([part.columns[name] for part in parts]))
    if whole.labels is not None:
        same_cells(
            "label", whole.labels, concatenate([part.labels for part in parts if part.labels is not None])
        )
    sampled = [(whole.offsets[row.index], row.extra, row.odd_width) for row in whole.sampled]
    assert sampled == [
        (part.offsets[row.index], row.extra, row.odd_width) for part in parts for row in part.sampled
    ]


def _listed(values: NDArray[np.object_] | None) -> list[object]:
    return [] if values is None else list(values.tolist())


def same_cells(name: str, one: Column, other: Column) -> None:
    assert np.array_equal(_codes(one), _codes(other)), name
    if one.values.dtype == np.float64:
        assert np.array_equal(one.values, other.values, equal_nan=True), name
    else:
        assert one.values.tolist() == other.values.tolist(), name


def _codes(column: Column) -> NDArray[np.uint8]:
    return np.zeros(len(column), np.uint8) if column.presence is None else column.presence


def ways_agree(decoder: Decoder, values: Iterable[bytes | None]) -> None:
    """What the fast way accepts, the careful way reads alike, or refuses for bytes that nobody asked for."""
    node, layout = decoder._node, decoder._layout
    if not node.is_typed():
        return
    pairs = [pair for value in values if value is not None and (pair := both_ways(decoder, value))]
    if not pairs:
        return
    mine, theirs = (dict(node.transpose(rows)) for rows in zip(*pairs, strict=True))
    for leaf in (*layout.leaves, *(() if layout.label is None else (layout.label,))):
        same_cells(leaf.name, column_of(mine[leaf.keys], leaf), column_of(theirs[leaf.keys], leaf))
    for where in (layout.id, layout.model):
        if where is not None and not isinstance(where, Meta):
            assert texts(mine[where]).tolist() == texts(theirs[where]).tolist(), where
    if not isinstance(layout.timestamp, Meta):
        ours, others = (
            milliseconds(each[layout.timestamp], layout.timestamp_unit) for each in (mine, theirs)
        )
        assert ours.tolist() == others.tolist()


def both_ways(decoder: Decoder, value: bytes) -> tuple[Struct, Struct] | None:
    try:
        fast = decoder._decode(value)
    except (ValueError, RecursionError):
        return None
    try:
        return fast, decoder._node.careful(read(value))
    except Refused as refused:
        reason = refused.reason
    assert reason in UNREAD, f"accepted, though {reason}"
    return None


def counted(made: ModelPlan, at: TopicPartition, records: Sequence[Message], now: datetime = NOW) -> State:
    """Take the messages into the state, whole, and write down what a commit would."""
    state = State({at: PartitionState(None, 0, now)})
    state = take_in(state, Decoded.of(Readers.of([made]), Chunk(at, records), now), now)
    for window in progress(state, {"loans": made}, now).windows:
        if window.profile:
            decode(window.profile, made.reference)
    return state


def merged_alike(reference: Reference, whole: Batch, parts: Sequence[Batch]) -> Profile:
    """The sums of the parts are those of the whole, to the byte."""
    profile = Profile.empty(reference)
    for part in parts:
        profile = profile.merge(summarise(reference, part.columns, part.ids))
    assert encode(profile) == encode(summarise(reference, whole.columns, whole.ids))
    return profile


def judged(made: ModelPlan, profile: Profile) -> None:
    """Tests and checks come to a verdict, and what they say can be stored."""
    rules = rules_for(made, 1)
    span = Span(START_MS, START_MS + HOUR_MS, 1)
    findings = judge("loans", "", made.reference, profile, span, rules)
    assert not [finding for finding in findings if finding.verdict == "error"]
    results = check(made.reference, profile, rules.level, rules.min_rows)
    assert not [result for result in results if result.verdict == "error"]
    for finding in findings:
        _storable(finding.result.note)
        json.loads(dump_json(finding.details)).keys()
    for result in results:
        _storable(result.observed + result.expected + result.note)


def _storable(text: str) -> None:
    kept = clean(text).encode()
    assert b"\x00" not in kept
