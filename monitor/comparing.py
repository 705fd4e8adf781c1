"""Asking history again: two stretches of it, or one and the reference, compared by their stored counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from detectors.profile import Profile, decode_parts
from detectors.reference import Reference
from detectors.result import Verdict
from detectors.segments import pairs_of, segment_name
from monitor.errors import DataError
from monitor.findings import Finding
from monitor.judge import Part, Rules, details, judge_parts
from monitor.segments import part_of
from monitor.store.base import ClosedWindow, DayCounts, Store
from monitor.windows import Span

_PAGE = 64
FIND_OUT = "driftd history --kind windows shows which windows there are"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Judged windows added up. It begins with the first and ends with the last window that has rows."""

    reference_id: str
    start_ms: int
    end_ms: int
    windows: int
    profile: Profile


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two sets of rows; ``against`` is None for the reference."""

    current: Stretch
    against: Stretch | None
    findings: tuple[Finding, ...]


def stretch(
    store: Store, model: str, from_ms: int, until_ms: int, find: Callable[[str], Reference | None]
) -> Stretch:
    """Add up the judged windows that begin from ``from_ms`` on and before ``until_ms``.

    Old ones that were added up to days count when all of such a day is asked for. Raises DataError when there
    is none, when their counts are not kept any more, when a day would be cut, or when they were counted on
    different references.
    """
    found: Stretch | None = None
    for piece in _pieces(store, model, from_ms, until_ms):
        found = _with(found, piece, find)
    if found is None:
        raise DataError(
            f"model {model} has no judged window between {said(from_ms)} and {said(until_ms)}; {FIND_OUT}"
        )
    return found


def _pieces(store: Store, model: str, from_ms: int, until_ms: int) -> Iterator[ClosedWindow | DayCounts]:
    """Give windows, and the days that old ones were added up to, in order.

    Raises DataError when the stretch cuts such a day.
    """
    at_ms, day = from_ms, None
    while page := store.closed_windows(model, at_ms, until_ms, _PAGE):
        for window in page:
            if window.counts or not window.reference_id:
                yield window
                continue
            if day is not None and _is_in(window, day):
                continue
            day = store.day_of(model, window.start_ms, window.reference_id)
            if day is not None and not from_ms <= day.start_ms <= day.last_start_ms < until_ms:
                raise DataError(
                    f"the windows from {said(day.start_ms)} to {said(day.end_ms)} were added up "
                    "(database.retention.daily_after) and cannot be told apart: ask for all of them or none"
                )
            yield window if day is None else day
        at_ms = page[-1].start_ms + 1


def _is_in(window: ClosedWindow, day: DayCounts) -> bool:
    return window.reference_id == day.reference_id and window.start_ms <= day.last_start_ms


def _with(
    found: Stretch | None, window: ClosedWindow | DayCounts, find: Callable[[str], Reference | None]
) -> Stretch:
    """Add one window, or a day of them."""
    begin = said(window.start_ms)
    number = window.windows if isinstance(window, DayCounts) else 1
    if not window.reference_id:
        raise DataError(
            f"the reference was replaced during the window of {begin}, so its counts mean nothing: "
            "ask for a stretch without it"
        )
    reference = find(window.reference_id)
    if not window.counts or reference is None:
        raise DataError(
            f"counts of the window of {begin} are not kept any more (database.retention.counts): "
            "ask for a later stretch"
        )
    if found is not None and found.reference_id != window.reference_id:
        raise DataError(
            f"windows before {begin} were counted on reference {found.reference_id}, those from then on on "
            f"{window.reference_id}, and counts on different grids do not add up: end or begin there"
        )
    profile = decode_parts(window.counts, reference)
    if found is None:
        return Stretch(window.reference_id, window.start_ms, window.end_ms, number, profile)
    return replace(
        found,
        end_ms=window.end_ms,
        windows=found.windows + number,
        profile=found.profile.merge(profile),
    )


def compare(
    model: str,
    version: str,
    reference: Reference,
    current: Stretch,
    against: Stretch | None,
    rules: Rules,
    segment: str = "",
) -> Comparison:
    """Test every feature of a stretch against the reference it was counted on, or against another stretch.

    With a segment only its rows are tested, on both sides.

    The tests are those of a window, with Holm's correction over features. Raises DataError when the two
    stretches were counted on different references, or the segment was not counted.
    """
    is_in_season = against is None and not segment
    base = reference.in_season(current.profile) if is_in_season else reference
    if against is not None:
        if against.reference_id != current.reference_id:
            raise DataError(
                f"the stretches were counted on different references ({current.reference_id} from "
                f"{said(current.start_ms)}, {against.reference_id} from {said(against.start_ms)}): counts on "
                "different grids cannot be compared"
            )
        base = replace(reference, profile=against.profile, seasonal=None)
    span = Span(current.start_ms, current.end_ms, 1)
    part = segment_of(base, current.profile, segment) if segment else Part("", base, current.profile)
    findings = judge_parts(model, version, (part,), span, replace(rules, windows=current.windows))
    told = tuple(_told(finding, part.reference, part.current) for finding in findings)
    return Comparison(replace(current, profile=part.current), _narrowed(against, part), told)


def segment_of(base: Reference, current: Profile, name: str) -> Part:
    """Give one segment's rows on both sides; raises DataError when they were not counted."""
    known = {segment_name(feature, value): (feature, value) for feature, value in pairs_of(base.segments)}
    if name not in known:
        there = f"there are {', '.join(known)}" if known else "it was built without segments"
        raise DataError(f"the reference {base.id} does not have the segment {name}: {there}")
    if name not in current.segments or name not in base.profile.segments:
        raise DataError(f"not all windows there were counted by {known[name][0]}: ask for later ones")
    return part_of(base, current, *known[name])


def _narrowed(against: Stretch | None, part: Part) -> Stretch | None:
    return None if against is None else replace(against, profile=part.reference.profile)


def _told(finding: Finding, base: Reference, current: Profile) -> Finding:
    """Say what moved whatever the verdict: somebody has asked."""
    if finding.verdict is Verdict.ERROR:
        return finding
    return replace(finding, details=details(finding.feature, base, current))


def said(time_ms: int) -> str:
    """Give a time in words."""
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
