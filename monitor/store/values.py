"""What the service writes into the results database and reads from it again.

Everything here is plain data: what counts and references look like inside is
the detectors' business, the store keeps bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from alerts.model import Alert
from alerts.outgoing import Group, Message, Notification
from monitor.findings import Finding, PerformanceFinding, QualityFinding
from monitor.source.base import TopicPartition


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """A reference as stored. ``payload`` is the detectors' wire form.

    ``counts`` are its counts by feature, in the form of a window's, for SQL: written, never read back.
    """

    id: str
    model: str
    version: str
    rows: int
    source: str
    content_hash: str
    built_at: datetime
    active: bool
    payload: bytes
    counts: Mapping[str, bytes] = field(default_factory=dict)
    data_version: str = ""


@dataclass(frozen=True, slots=True)
class ConfigRow:
    """A configuration that results are made with; ``settings`` are all of it as JSON, without secrets."""

    hash: str
    driftd_version: str
    settings: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Advance:
    """A cursor's compare-and-swap: from ``expected`` (None: no cursor yet) to ``next``.

    With ``next`` equal to ``expected`` it moves nothing and still fences.
    ``log_end`` is the broker's end offset as last heard, kept so that lag can be asked in SQL.
    """

    partition: TopicPartition
    expected: int | None
    next: int
    log_end: int | None = None


@dataclass(frozen=True, slots=True)
class PartitionClock:
    """How far event time has come in one partition, for one model.

    ``max_event_ms`` is None until the first row. ``active_at`` is the wall time of the last record,
    or of the assignment; ``caught_up`` says that at ``checked_at`` the process had read everything the broker
    held.
    """

    model: str
    partition: TopicPartition
    max_event_ms: int | None
    active_at: datetime
    caught_up: bool
    checked_at: datetime | None = None


class Sample(NamedTuple):
    """How far a partition had been read at some moment, and how long it was then as far as known."""

    at_ms: int
    next: int
    log_end: int | None

    @property
    def lag(self) -> int:
        """Messages that waited; none when that is not known."""
        return 0 if self.log_end is None else max(0, self.log_end - self.next)


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life: this process has read the partition ``since`` and committed at ``at``.

    ``recent`` are its latest positions, oldest first.
    """

    partition: TopicPartition
    process: str
    since: datetime
    at: datetime
    recent: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Deployment:
    """A process that runs on this schema ``since``, and when it last said so."""

    id: str
    process: str
    group_id: str
    config_path: str
    config_hash: str
    since: datetime
    beat_at: datetime


@dataclass(frozen=True, slots=True)
class OpenWindow:
    """One partition's share of a window that has not been judged; written whole each time.

    ``new_rows`` of its ``rows`` were not part of the previous commit: should the window turn out to be
    closed already, they are counted as late there.
    """

    model: str
    segment: str
    start_ms: int
    end_ms: int
    partition: TopicPartition
    reference_id: str
    rows: int
    new_rows: int
    rejected: int
    profile: bytes


@dataclass(frozen=True, slots=True)
class Late:
    """Rows that came after their window had ended for their own partition."""

    model: str
    segment: str
    start_ms: int
    end_ms: int
    rows: int


@dataclass(frozen=True, slots=True)
class Reject:
    """A message, or a model's row in it, that could not be used. ``sample`` is its first 1,024 bytes."""

    partition: TopicPartition
    offset: int
    model: str
    reason: str
    detail: str
    sample: bytes
    at: datetime


class HalfKey(NamedTuple):
    """A request or response that waits: the model that it waits for, and where it stands."""

    model: str
    partition: TopicPartition
    offset: int


@dataclass(frozen=True, slots=True)
class WaitingHalf:
    """A request or response whose other half has not come; it waits until event time reaches ``due_ms``."""

    key: HalfKey
    due_ms: int
    half: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """Offsets that the broker no longer held when they were wanted."""

    partition: TopicPartition
    first_lost: int
    next_available: int
    at: datetime


@dataclass(frozen=True, slots=True)
class JoinedWindow:
    """What the labels say of one window of predictions, from one partition of them; written whole each time.

    ``reference_id`` is empty when the reference changed inside: ``sums`` then mean nothing. ``unmatched``
    labels are still without their prediction (it may come); they are counted by the label's own time.
    ``arms`` are the sums of an experiment's variants.
    """

    model: str
    segment: str
    start_ms: int
    end_ms: int
    partition: TopicPartition
    reference_id: str
    labelled: int
    unusable: int
    duplicates: int
    corrected: int
    too_late: int
    unmatched: int
    sums: bytes
    arms: bytes = b""


@dataclass(frozen=True, slots=True)
class ExperimentSum:
    """How many values of a measure an experiment's variant has in a window, their sum and that of squares."""

    model: str
    experiment: str
    start_ms: int
    end_ms: int
    kind: str
    measure: str
    variant: str
    n: int
    total: float
    squares: float


@dataclass(frozen=True, slots=True)
class LearnedWindow:
    """Losses by the time at which they became known, for sequential detectors; written whole each time."""

    model: str
    segment: str
    start_ms: int
    end_ms: int
    partition: TopicPartition
    reference_id: str
    sums: bytes


@dataclass(frozen=True, slots=True)
class ChallengerResult:
    """Production's model and the challenger on the same ``rows`` with labels of one window.

    Errors are sums over these rows; ``difference``, ``low`` and ``high`` are of challenger minus production,
    for one row. ``abstention_share`` is of the ``scored_rows``; ``shed_rows`` had no time to be learned.
    """

    model: str
    start_ms: int
    end_ms: int
    base: str
    rule: str
    rows: int
    production_errors: float
    challenger_errors: float
    difference: float
    low: float
    high: float
    scored_rows: int
    abstention_share: float | None
    shed_rows: int


@dataclass(frozen=True, slots=True)
class Lease:
    """Who alone may write a model's challenger results, and until when nobody else can become that."""

    model: str
    holder: str
    until: datetime


@dataclass(frozen=True, slots=True)
class DetectorState:
    """The checkpoint of one sequential detector on one signal, which it has read up to ``until_ms``."""

    model: str
    segment: str
    signal: str
    detector: str
    until_ms: int
    rows: int
    dropped: int
    state: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """Everything that must move together when messages have been taken in.

    Only partitions with an advance are fenced: clocks and windows come with one of their partition.
    ``learned`` windows that the detectors have passed already are left out, and so are results of
    challengers whose lease another than ``holder`` has. ``known`` partitions exist and may have messages that
    nobody has read: each without a clock gets this one; another's is no longer said to be caught up when
    nobody has checked that lately. ``watched`` are names and patterns of topics that are looked for from now
    on; fenced when another process has written one of them. ``gone`` are partitions that are no more: nothing
    of theirs is left to be read. ``halves`` wait from now on, ``met`` do no more.
    """

    advances: tuple[Advance, ...] = ()
    clocks: tuple[PartitionClock, ...] = ()
    windows: tuple[OpenWindow, ...] = ()
    late: tuple[Late, ...] = ()
    rejects: tuple[Reject, ...] = ()
    gaps: tuple[Gap, ...] = ()
    joined: tuple[JoinedWindow, ...] = ()
    learned: tuple[LearnedWindow, ...] = ()
    challenger: tuple[ChallengerResult, ...] = ()
    holder: str = ""
    beats: tuple[Beat, ...] = ()
    known: tuple[PartitionClock, ...] = ()
    watched: tuple[str, ...] = ()
    gone: tuple[PartitionClock, ...] = ()
    halves: tuple[WaitingHalf, ...] = ()
    met: tuple[HalfKey, ...] = ()


@dataclass(frozen=True, slots=True)
class ClosedWindow:
    """A judged window: its row in ``window_history`` and its merged counts, one blob a feature.

    ``counts`` has one entry per column of the profile, plus any entries the detectors add under names
    that begin with ":" (identifiers, row facts).
    """

    model: str
    model_version: str
    segment: str
    start_ms: int
    end_ms: int
    reference_id: str
    rows: int
    late: int
    rejected: int
    labelled: int
    closed_at: datetime
    counts: Mapping[str, bytes]
    config_hash: str = ""


@dataclass(frozen=True, slots=True)
class WindowFacts:
    """A judged window without its counts; ``labelled`` is what its joined parts say now."""

    start_ms: int
    end_ms: int
    rows: int
    late: int
    reference_id: str
    labelled: int
    segment: str = ""


@dataclass(frozen=True, slots=True)
class Closed:
    """The outcome of judging one window: written in one transaction, which also forgets its open parts."""

    window: ClosedWindow
    findings: tuple[Finding, ...]
    quality: tuple[QualityFinding, ...]
    evaluated_at: datetime
    performance: tuple[PerformanceFinding, ...] = ()


@dataclass(frozen=True, slots=True)
class DayCounts:
    """The counts of a day's windows that were counted on one reference, added up.

    They are of the windows that begin from ``start_ms`` to ``last_start_ms``, as `ClosedWindow` has them.
    """

    model: str
    start_ms: int
    last_start_ms: int
    end_ms: int
    reference_id: str
    windows: int
    counts: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Alerting:
    """What one round of alerting changes. ``alerts`` are upserted by `Alert.alert_id`."""

    alerts: tuple[Alert, ...] = ()
    forgotten: tuple[str, ...] = ()  # ids of pending alerts that cleared before they fired
    groups: tuple[Group, ...] = ()
    notifications: tuple[Notification, ...] = ()
    noted: tuple[Noted, ...] = ()


@dataclass(frozen=True, slots=True)
class Noted:
    """An incident that a service's next digest has to tell of, because it began or ended."""

    service: str
    alert_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Outbound:
    """A claimed outbox row; ``attempts`` counts this one."""

    id: int
    service: str
    group_key: str
    message: Message
    attempts: int
    created_at: datetime
