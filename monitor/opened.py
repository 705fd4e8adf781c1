"""Open windows: what one process has counted of them, and what it keeps in memory. Pure: values in and out.

Every window's counts are in the database after each commit. So memory needs to hold only windows that may
still get rows, and of these only as many as there is room for: what comes for another one is counted by
itself, and put to what the database has when it is committed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from detectors.profile import Profile, decode
from detectors.profile_size import size_bytes
from detectors.reference import Reference
from monitor.plan import ModelPlan
from monitor.store.base import OpenWindow

WindowKey = tuple[str, int]
"""A model and the start of one of its windows, in milliseconds."""

MIXED = ""
"""Reference id of a window during which the model's reference was replaced: its counts mean nothing."""

_OBJECT_BYTES = 400
"""An open window beside its profile."""


@dataclass(frozen=True, slots=True)
class Open:
    """One partition's share of an open window. Without a profile the reference changed inside it.

    Unless it ``is_whole`` the database may have an earlier part of the share.
    """

    reference_id: str
    profile: Profile | None
    rows: int = 0
    new_rows: int = 0
    rejected: int = 0
    changed: bool = True
    is_whole: bool = False
    size_bytes: int = _OBJECT_BYTES

    @classmethod
    def empty(cls, reference: Reference) -> Open:
        """Begin a share without rows."""
        return cls.of(reference.id, Profile.empty(reference))

    @classmethod
    def of(cls, reference_id: str, profile: Profile, rows: int = 0) -> Open:
        """Begin a share with these rows, all of them new."""
        return cls(reference_id, profile, rows, rows, size_bytes=_OBJECT_BYTES + size_bytes(profile))

    def with_rows(self, reference_id: str, part: Profile, rows: int) -> Open:
        """Add rows that were counted on this reference."""
        is_same = reference_id == self.reference_id
        profile = self.profile.merge(part) if is_same and self.profile is not None else None
        return replace(
            self,
            reference_id=reference_id if is_same else MIXED,
            profile=profile,
            rows=self.rows + rows,
            new_rows=self.new_rows + rows,
            changed=True,
            size_bytes=_size(profile),
        )

    def with_rejects(self, messages: int = 1) -> Open:
        """Add messages that were rejected."""
        return replace(self, rejected=self.rejected + messages, changed=True)

    def with_stored(self, stored: OpenWindow, reference: Reference | None) -> Open:
        """Put what was counted since to what the database has; ``reference`` is that of the latter."""
        is_same = self.reference_id == stored.reference_id or not self.rows
        profile = None
        if reference is not None and is_same:
            profile = decode(stored.profile, reference)
            if self.rows and self.profile is not None:
                profile = profile.merge(self.profile)
        return replace(
            self,
            reference_id=MIXED if profile is None else stored.reference_id,
            profile=profile,
            rows=self.rows + stored.rows,
            rejected=self.rejected + stored.rejected,
            is_whole=True,
            size_bytes=_size(profile),
        )


def _size(profile: Profile | None) -> int:
    return _OBJECT_BYTES + (0 if profile is None else size_bytes(profile))


def completed(
    windows: Mapping[WindowKey, Open], stored: Iterable[OpenWindow], find: Callable[[str], Reference | None]
) -> dict[WindowKey, Open]:
    """Give the windows with what the database has of them: afterwards all of them are whole."""
    whole = {
        key: opened if opened.is_whole else replace(opened, is_whole=True) for key, opened in windows.items()
    }
    for part in stored:
        key = part.model, part.start_ms
        whole[key] = windows[key].with_stored(part, find(part.reference_id))
    return whole


def still_filling(
    windows: Mapping[WindowKey, Open],
    plans: Mapping[str, ModelPlan],
    event_ms: Mapping[str, int],
    closed_until_ms: Mapping[str, int],
) -> dict[WindowKey, Open]:
    """Give the written windows of one partition that may get more rows; the others are the database's now.

    Rows of windows that have been judged, or whose end its event time has passed by the lateness, are late.
    """
    kept = {}
    for (model, start_ms), opened in windows.items():
        plan = plans.get(model)
        if plan is None or start_ms < closed_until_ms.get(model, start_ms):
            continue
        if start_ms + plan.window_ms + plan.lateness_ms > event_ms.get(model, start_ms):
            kept[model, start_ms] = replace(opened, new_rows=0, changed=False)
    return kept
