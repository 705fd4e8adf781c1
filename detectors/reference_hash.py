"""What a reference's id is made of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from detectors.clustering import Windows
from detectors.counts import Counts, NumericCounts
from detectors.dictionary import rules_of
from detectors.grid import Grid, NumericGrid
from detectors.profile import Layout, Profile


def content_hash(
    model: str,
    version: str,
    layout: Layout,
    profile: Profile,
    windows: Windows,
    more: Iterable[tuple[object, ...]] = (),
) -> str:
    """Hash what verdicts depend on, without the parts (zlib) whose bytes may differ between machines."""
    digest = hashlib.blake2b(digest_size=16)
    rules = [rules_of(feature) for feature in layout.dictionary.features.values()]
    facts = (model, version, rules, profile.rows, windows.fingerprint())
    digest.update(msgspec.json.encode(facts))
    for name, grid in layout.grids.items():
        digest.update(msgspec.json.encode((name, _grid_facts(grid), count_facts(profile.counts[name]))))
    ids = profile.identifiers
    digest.update(ids.hashes.astype("<u8").tobytes() + ids.counts.astype("<i8").tobytes())
    if layout.performance is not None:
        digest.update(layout.performance.fingerprint().encode())
    for name, segment in profile.segments.items():
        counted = [(each, count_facts(counts)) for each, counts in segment.counts.items()]
        digest.update(msgspec.json.encode((name, segment.rows, counted)))
    if layout.pairing is not None and profile.pairs is not None:
        digest.update(layout.pairing.fingerprint())
        digest.update(b"".join(each.astype("<i8").tobytes() for each in profile.pairs.matrices()))
    if layout.reconstruction is not None and profile.residuals is not None:
        digest.update(layout.reconstruction.fingerprint() + profile.residuals.encode())
    for each in more:
        digest.update(msgspec.json.encode(each))
    return digest.hexdigest()


def _grid_facts(grid: Grid) -> tuple[object, ...]:
    if isinstance(grid, NumericGrid):
        return (grid.points.astype("<f8").tobytes(),)
    return (grid.categories, grid.is_open)


def count_facts(counts: Counts) -> tuple[object, ...]:
    """Counts in a form that is the same on all machines."""
    if isinstance(counts, NumericCounts):
        return (counts.on.tolist(), counts.between.tolist(), *counts.tallies())
    return (counts.known.tolist(), *counts.tallies())
