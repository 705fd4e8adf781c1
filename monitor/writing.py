"""What the next commit writes of everything that was counted, and what stays in memory afterwards. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from detectors.profile import encode
from monitor.decode.halves import Half
from monitor.decode.halves import encode as encode_half
from monitor.intake import PartitionState, State
from monitor.opened import Open, WindowKey, still_filling
from monitor.plan import ModelPlan
from monitor.source.base import TopicPartition
from monitor.store.base import (
    Advance,
    Beat,
    HalfKey,
    Late,
    OpenWindow,
    PartitionClock,
    Progress,
    WaitingHalf,
)
from monitor.windows import NEVER_MS


def progress(
    state: State, plans: Mapping[str, ModelPlan], now: datetime, beats: tuple[Beat, ...] = ()
) -> Progress:
    """Give what has to be written for the state to survive; ``now`` is when its log ends were looked at."""
    return Progress(
        advances=tuple(
            Advance(tp, part.committed, part.next, part.log_end) for tp, part in state.partitions.items()
        ),  # also of partitions that stood still: it fences what is written about them
        clocks=tuple(
            PartitionClock(
                model, tp, _reached(part.event_ms.get(model)), part.active_at, _caught_up(part), now
            )
            for tp, part in state.partitions.items()
            for model, plan in plans.items()
            if tp.topic in plan.all_topics
        ),
        windows=tuple(
            _stored(tp, key, opened, plans[key[0]].window_ms)
            for tp, part in state.partitions.items()
            for key, opened in part.open.items()
            if opened.changed and key[0] in plans
        ),
        late=tuple(
            Late(model, "", start, start + plans[model].window_ms, rows)
            for (model, start), rows in state.late.items()
        ),
        rejects=state.rejects,
        gaps=state.gaps,
        beats=beats,
        halves=tuple(
            _half(tp, model, half)
            for tp, part in state.partitions.items()
            for model, waiting in part.waiting.items()
            for half in waiting.fresh
        ),
        met=tuple(
            HalfKey(model, tp, offset)
            for tp, part in state.partitions.items()
            for model, waiting in part.waiting.items()
            for offset in waiting.gone
        ),
    )


def _half(tp: TopicPartition, model: str, half: Half) -> WaitingHalf:
    return WaitingHalf(HalfKey(model, tp, half.offset), half.due_ms, encode_half(half))


def standing_still(counted: Progress) -> Progress:
    """Give what says that partitions are owned and have not been read to their ends, and nothing else.

    An idle partition would not hold windows back; one whose messages are read again for the join has to.
    """
    standing = tuple(each for each in counted.advances if each.expected == each.next)
    mine = {each.partition for each in standing}
    clocks = tuple(replace(clock, caught_up=False) for clock in counted.clocks if clock.partition in mine)
    beats = tuple(beat for beat in counted.beats if beat.partition in mine)
    return Progress(advances=standing, clocks=clocks, beats=beats)


def _reached(event_ms: int | None) -> int | None:
    return None if event_ms == NEVER_MS else event_ms


def _caught_up(part: PartitionState) -> bool:
    return part.log_end is not None and part.next >= part.log_end


def _stored(tp: TopicPartition, key: WindowKey, opened: Open, window_ms: int) -> OpenWindow:
    model, start_ms = key
    return OpenWindow(
        model=model,
        segment="",
        start_ms=start_ms,
        end_ms=start_ms + window_ms,
        partition=tp,
        reference_id=opened.reference_id,
        rows=opened.rows,
        new_rows=opened.new_rows,
        rejected=opened.rejected,
        profile=b"" if opened.profile is None else encode(opened.profile),
    )


def committed(state: State, plans: Mapping[str, ModelPlan], closed_until: Mapping[str, int]) -> State:
    """Give the state after its progress was written: nothing pending, windows that are full forgotten."""
    closed = {**state.closed_until, **closed_until}
    return State(
        partitions={
            tp: replace(
                part,
                committed=part.next,
                open=still_filling(part.open, plans, part.event_ms, closed),
                waiting={model: waiting.written() for model, waiting in part.waiting.items()},
            )
            for tp, part in state.partitions.items()
        },
        closed_until=closed,
    )
