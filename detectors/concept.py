"""The public door to the detectors of concept shift."""

from __future__ import annotations

from detectors.sequential import Change, State, StateLost, step
from detectors.sequential_settings import Kind, Settings, kind_of, settings_for
from detectors.sequential_wire import decode, encode

__all__ = [
    "KINDS",
    "Change",
    "Kind",
    "Settings",
    "State",
    "StateLost",
    "decode",
    "encode",
    "kind_of",
    "settings_for",
    "step",
]

KINDS: tuple[str, ...] = tuple(kind.value for kind in Kind)
"""The names by which a config asks for a sequential detector, the default first."""
