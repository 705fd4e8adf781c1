"""How a partition is doing, in the words of lag monitors. Pure.

The rules are those of Burrow (LinkedIn's monitor of consumer lag), on the positions of the last three
minutes; growth is told from noise by comparing the earlier and the later half of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import pairwise

from monitor.config import Model
from monitor.store.base import Sample

STALL_AFTER = timedelta(minutes=1)
STOP_AFTER = timedelta(minutes=2)
GROWTH_AFTER = timedelta(minutes=1)
LEAST_QUIET = timedelta(hours=1)


class Word(StrEnum):
    """How a partition is doing; the later, the worse."""

    OK = "OK"
    WARN = "WARN"
    REWIND = "REWIND"
    STALL = "STALL"
    STOP = "STOP"


NOBODY = "no process has said for two minutes that it reads this: is driftd run alive, does it reach Kafka?"
REWOUND = "the position went back: was the topic made anew, or the database put back to an earlier state?"
STANDS = "messages wait, and none was read for a minute: see the log of driftd run"
GROWS = "what waits grows: start more processes, as many as there are partitions"
BEHIND = "event time is more than a window behind the clock: catching up, or late producers"
SILENT = "nothing came for long: are the producers alive?"


@dataclass(frozen=True, slots=True)
class Signs:
    """What is known of a partition.

    How long ago its reader's last beat was, its latest positions, how long ago something was read, how far
    event time is behind the clock.
    """

    beat: timedelta | None = None
    recent: Sequence[Sample] = ()
    quiet: timedelta | None = None
    behind: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a topic may be silent, and its event time behind, before that is worth a word."""

    quiet: timedelta = LEAST_QUIET
    behind: timedelta = LEAST_QUIET


def limits_of(settings: Model | None, topic: str = "") -> Limits:
    """Take the limits from a model's settings: two windows of silence or ``freshness``, a window behind.

    A topic that only labels come on may be silent for ``labels_wait``.
    """
    if settings is None:
        return Limits()
    freshness = settings.freshness
    quiet = max(LEAST_QUIET, 2 * settings.window.delta) if freshness is None else freshness.delta
    if topic in settings.label_topics and topic not in settings.prediction_topics:
        quiet = max(quiet, settings.labels_wait.delta)
    return Limits(quiet, settings.window.delta + settings.lateness.delta)


def condition_of(signs: Signs, limits: Limits) -> tuple[Word, str]:
    """Say how a partition is doing, and why; nothing to say about one that is OK."""
    if signs.beat is None or signs.beat >= STOP_AFTER or not signs.recent:
        return Word.STOP, NOBODY
    if any(later.next < earlier.next for earlier, later in pairwise(signs.recent)):
        return Word.REWIND, REWOUND
    if stands_since(signs.recent) >= STALL_AFTER:
        return Word.STALL, STANDS
    if grows(signs.recent):
        return Word.WARN, GROWS
    if not signs.recent[-1].lag:
        is_silent = signs.quiet is not None and signs.quiet >= limits.quiet
        return (Word.WARN, SILENT) if is_silent else (Word.OK, "")
    is_behind = signs.behind is not None and signs.behind >= limits.behind
    return (Word.WARN, BEHIND) if is_behind else (Word.OK, "")


def stands_since(recent: Sequence[Sample]) -> timedelta:
    """How long the position has not moved although messages waited."""
    last = recent[-1]
    since_ms = last.at_ms
    for sample in reversed(recent):
        if sample.next != last.next or not sample.lag:
            break
        since_ms = sample.at_ms
    return timedelta(milliseconds=last.at_ms - since_ms)


def grows(recent: Sequence[Sample]) -> bool:
    """Whether more waited all through the later half than ever in the earlier one, and never nothing."""
    half = len(recent) // 2
    earlier, later = recent[:half], recent[half:]
    if not earlier or timedelta(milliseconds=later[-1].at_ms - earlier[0].at_ms) < GROWTH_AFTER:
        return False
    most = max(sample.lag for sample in earlier)
    return min(sample.lag for sample in earlier) > 0 and most < min(sample.lag for sample in later)


def worst_of(words: Iterable[Word]) -> Word | None:
    """Give the worst; None of nothing."""
    return max(words, key=list(Word).index, default=None)
