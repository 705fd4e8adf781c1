"""Accepting what the data have become: judged windows become the reference, and alerts about it end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from alerts.model import Alert, Status
from detectors.dictionary import Dictionary, Role
from detectors.profile import Profile, decode_parts
from detectors.promotion import Between, Regrid, promoted, redescribed, unresolved
from detectors.proposal import Proposal, propose
from detectors.quality import check
from detectors.reference import Reference
from detectors.result import Verdict
from detectors.segments import names_of
from monitor.alerting import AlertRound, has_told
from monitor.comparing import Stretch, said, stretch
from monitor.config import Model
from monitor.errors import DataError
from monitor.gaps import expectations
from monitor.known import KnownReferences
from monitor.levels import rules_for
from monitor.plan import ModelPlan
from monitor.store.base import ModelLock, Store

_PAGE = 64
_PASSED = (Verdict.OK, Verdict.WARN)


@dataclass(frozen=True, slots=True)
class Promotion:
    """A reference that is proposed: what it is made of, and what it is to take the place of."""

    stretch: Stretch
    old: Reference
    new: Reference
    proposal: Proposal


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Who says that the data are to be like this from now on, and why."""

    reference_id: str
    by: str
    comment: str
    at: datetime

    def as_annotation(self) -> dict[str, Any]:
        """Give what goes with alerts that end with it."""
        return {
            "reference_id": self.reference_id,
            "by": self.by,
            "comment": self.comment,
            "at": self.at.isoformat(),
        }


def promotion(
    store: Store,
    model: str,
    settings: Model,
    in_force: Reference,
    from_ms: int,
    until_ms: int,
    now: datetime,
    dictionary: Dictionary | None = None,
) -> Promotion:
    """Make a reference of the judged windows that begin in a stretch; nothing is stored.

    Without a dictionary one is proposed. Raises DataError when there are no such windows, when they were not
    counted on the reference in force, or when the dictionary gives counts another meaning.
    """
    if settings.season is not None:
        raise DataError(
            f"models.{model}.season: what the hours look like is not known from windows: build the reference "
            "from rows (driftd reference build), or leave season out"
        )
    known = KnownReferences(store, [in_force])
    found = stretch(store, model, from_ms, until_ms, known.find)
    if found.reference_id != in_force.id:
        raise DataError(
            f"the stretch was counted on reference {found.reference_id}, in force is {in_force.id}: ask for "
            "windows since it is"
        )
    regrid = Regrid.of(in_force, found.profile, settings.max_categories)
    whole = regrid.profile(found.profile)
    _refuse_uncounted(settings, in_force, whole)
    between = Between.of(whole, settings.window.ms)
    for start_ms, rows, profile in _windows(store, model, in_force, from_ms, until_ms):
        between.add(start_ms, rows, None if profile is None else regrid.profile(profile))
    proposal = propose(in_force.dictionary, regrid.new, whole)
    new = promoted(
        in_force,
        regrid,
        whole,
        between,
        proposal.dictionary,
        version=settings.version,
        source=f"windows of {model} from {said(found.start_ms)} to {said(found.end_ms)}",
        built_at=now,
    )
    return Promotion(found, in_force, new if dictionary is None else under(new, dictionary), proposal)


def under(reference: Reference, dictionary: Dictionary) -> Reference:
    """Put a reference under another dictionary; raises DataError when its counts do not fit."""
    try:
        return redescribed(reference, dictionary)
    except ValueError as error:
        raise DataError(str(error)) from None


def data_version(of: Promotion) -> str:
    """Name the version of the data that the new reference is made of."""
    begin, end = (
        datetime.fromtimestamp(ms / 1000, UTC).isoformat() for ms in (of.stretch.start_ms, of.stretch.end_ms)
    )
    return f"history:{begin}/{end}@{of.old.id}"


def blind_spots(of: Reference) -> Mapping[str, float]:
    """Give, by feature, the share of values of which only the number is known, and whether they moved not.

    These are the values between two points of the grid, mostly beyond its ends.
    """
    shares = {name: unresolved(counts) for name, counts in of.profile.counts.items()}
    return {name: share for name, share in shares.items() if share > 0.0}


def _refuse_uncounted(settings: Model, reference: Reference, whole: Profile) -> None:
    wanted = {name: reference.segments.get(name, ())[: settings.max_segments] for name in settings.segments}
    if lacking := [name for name in names_of(wanted) if name not in whole.segments]:
        raise DataError(
            f"not all windows there were counted by {', '.join(lacking[:3])}: ask for later ones, after "
            "segments was changed"
        )


def _windows(
    store: Store, model: str, reference: Reference, from_ms: int, until_ms: int
) -> Iterator[tuple[int, int, Profile | None]]:
    """Give start, rows and counts of each window; those that were added up to days have no counts."""
    while page := store.closed_windows(model, from_ms, until_ms, _PAGE):
        for window in page:
            if window.reference_id == reference.id:
                profile = decode_parts(window.counts, reference) if window.counts else None
                yield window.start_ms, window.rows, profile
        from_ms = page[-1].start_ms + 1


def accepted_by(of: Promotion, plan: ModelPlan) -> Callable[[Alert], bool]:
    """Tell of which open alerts the new reference takes the reason away.

    These are drift of what was counted, and failed checks that the stretch passes now. What labels say, and
    estimates of it, has not become better.
    """
    level, rows = rules_for(plan, 1).level, plan.settings.min_rows
    results = check(of.new, of.new.profile, level, rows, expectations(plan, is_partial=True))
    passed = {(one.feature, str(one.check_name)) for one in results if one.verdict in _PASSED}
    features = of.new.dictionary.features
    inputs = {name for name in of.new.grids if features[name].role is not Role.LABEL}
    inputs |= {""} if of.new.pairing is not None else set()

    def is_accepted(alert: Alert) -> bool:
        feature = alert.label("feature")
        if alert.label("shift") == "quality":
            return bool(feature) and (feature, alert.label("check")) in passed
        return alert.label("shift") in ("covariate", "prior") and feature in inputs

    return is_accepted


def end_alerts(
    lock: ModelLock, plan: ModelPlan, is_accepted: Callable[[Alert], bool], why: Acceptance
) -> tuple[Alert, ...]:
    """Resolve the open alerts that are accepted, with the reason; give those that had fired."""
    alerts = AlertRound.of(lock, plan)
    ended = alerts.accept(is_accepted, lock.closed_until_ms() or 0, why.as_annotation())
    groups = lock.groups()
    told = frozenset(group.key for group in groups if has_told(lock.sent(group.key)))
    lock.write(alerts.changes(groups, told, why.at))
    return ended


def standing(alerts: Iterable[Alert], is_accepted: Callable[[Alert], bool]) -> tuple[Alert, ...]:
    """Give the firing alerts that would end."""
    return tuple(one for one in alerts if one.status is Status.FIRING and is_accepted(one))
