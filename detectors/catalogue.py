"""Every detector there is: the closed union is the registry."""

from __future__ import annotations

import difflib
from functools import cache

import msgspec

from detectors.covariate import AnyDetector

__all__ = ["KINDS", "AnyDetector", "detector"]

_MEMBERS = {member.kind: member for member in AnyDetector.__args__}

KINDS: tuple[str, ...] = tuple(_MEMBERS)
"""The names by which a config asks for a detector."""


@cache
def detector(kind: str, threshold: float | None = None) -> AnyDetector:
    """The detector of this name, with its threshold if it is a distance.

    Raises
    ------
    ValueError
        If there is no such detector, or a test is given a threshold.
    """
    if kind not in _MEMBERS:
        near = difflib.get_close_matches(kind, KINDS, 1)
        hint = f'did you mean "{near[0]}"?' if near else f"there are {', '.join(KINDS)}"
        raise ValueError(f'there is no detector "{kind}": {hint}')
    settings = {"kind": kind} if threshold is None else {"kind": kind, "threshold": threshold}
    try:
        chosen: AnyDetector = msgspec.convert(settings, AnyDetector)
    except msgspec.ValidationError as error:
        raise ValueError(f'detector "{kind}" takes no threshold: its limit is the alert budget') from error
    return chosen
