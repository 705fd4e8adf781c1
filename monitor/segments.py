"""What a closed window says about each segment, and which segments explain what the whole says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Self

from detectors.profile import Profile
from detectors.reference import Reference
from detectors.result import Verdict
from detectors.segments import Segment, grids_within, names_of, pairs_of, segment_name, without
from monitor.config.model import Model
from monitor.errors import ConfigError
from monitor.findings import Finding
from monitor.judge import Part, Rules, judge_parts
from monitor.windows import Span

_MOVED = frozenset({Verdict.DRIFT, Verdict.WARN})


def segmented(name: str, settings: Model, reference: Reference) -> Reference:
    """Give the reference with the segments of the configuration only; raises ConfigError for one it lacks."""
    for feature in settings.segments:
        if feature not in reference.segments:
            raise ConfigError(
                f"models.{name}.segments: the reference does not have {feature!r} by its values: build it "
                f"again with this configuration (driftd reference build {name} FILE), or leave it out"
            )
    wanted = {feature: reference.segments[feature][: settings.max_segments] for feature in settings.segments}
    if wanted == reference.segments:
        return reference
    profile = replace(reference.profile, segments=_of(reference.profile, wanted))
    return replace(reference, segments=wanted, profile=profile)


def _of(profile: Profile, wanted: dict[str, tuple[str, ...]]) -> dict[str, Segment]:
    return {name: profile.segments[name] for name in names_of(wanted)}


def judge_segments(
    model: str, version: str, reference: Reference, current: Profile, span: Span, rules: Rules
) -> tuple[Finding, ...]:
    """Test every feature in every segment that was looked for in all rows, as one family."""
    parts = [
        part_of(reference, current, feature, value)
        for feature, value in pairs_of(reference.segments)
        if segment_name(feature, value) in current.segments
    ]
    return judge_parts(model, version, parts, span, rules)


def part_of(reference: Reference, current: Profile, feature: str, value: str) -> Part:
    """Give a segment's rows, on both sides, as if there were no others."""
    name = segment_name(feature, value)
    grids = grids_within(reference.dictionary, reference.grids, feature)
    before, now = (
        replace(side, rows=part.rows, counts=part.counts_on(grids), segments={}, residuals=None)
        for side, part in (
            (reference.profile, reference.profile.segments[name]),
            (current, current.segments[name]),
        )
    )
    return Part(name, replace(reference, grids=grids, profile=before, segments={}, seasonal=None), now)


def related(
    whole: Iterable[Finding],
    segments: tuple[Finding, ...],
    reference: Reference,
    current: Profile,
    rules: Rules,
) -> Iterator[Finding]:
    """Say of what drifted whether it did only in some segments: ``only_in`` among a finding's details.

    A segment's drift is its own when the whole did not drift, and no other value of its feature moved, not
    even perhaps. The whole's is that of some values of a feature when the rows without them, together, do not
    drift: these are counted by taking away, which is exact.
    """
    moved = _Moved.of(segments, reference)
    for finding in whole:
        calm = (
            names
            for names in moved.of_whole(finding)
            if _is_calm_without(names, finding, reference, current, rules)
        )
        yield _with(finding, next(calm, ()))
    drifted = {_test(finding) for finding in whole if finding.verdict is Verdict.DRIFT}
    for finding in segments:
        alone = moved.beside(finding) == (finding.segment,) and _test(finding) not in drifted
        yield _with(finding, (finding.segment,) if alone else ())


def _test(finding: Finding) -> tuple[str, str]:
    return finding.feature, finding.detector


@dataclass(frozen=True, slots=True)
class _Moved:
    """Segments that moved, surely or perhaps, by test and by the feature whose values they are."""

    features: Mapping[str, str]
    names: Mapping[tuple[str, str], Mapping[str, tuple[str, ...]]]

    @classmethod
    def of(cls, segments: Iterable[Finding], reference: Reference) -> Self:
        features = {segment_name(feature, value): feature for feature, value in pairs_of(reference.segments)}
        names: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}
        for finding in segments:
            if finding.verdict in _MOVED:
                mine = names.setdefault(_test(finding), {})
                feature = features[finding.segment]
                mine[feature] = (*mine.get(feature, ()), finding.segment)
        return cls(features, names)

    def of_whole(self, finding: Finding) -> Iterable[tuple[str, ...]]:
        """Give, by feature, the segments that may explain this drift of the whole."""
        is_drift = finding.verdict is Verdict.DRIFT
        return self.names.get(_test(finding), {}).values() if is_drift else ()

    def beside(self, finding: Finding) -> tuple[str, ...]:
        """Give the segments that moved among those of one feature, for a segment's finding."""
        return self.names.get(_test(finding), {}).get(self.features[finding.segment], ())


def _with(finding: Finding, only_in: tuple[str, ...]) -> Finding:
    if not only_in:
        return finding
    return replace(finding, details=finding.details | {"only_in": list(only_in)})


def _is_calm_without(
    names: tuple[str, ...], finding: Finding, reference: Reference, current: Profile, rules: Rules
) -> bool:
    """Whether the same test says "ok" of the rows outside these segments."""
    feature = finding.feature
    before, now = (
        replace(
            side,
            counts={feature: without(side.counts, [side.segments[name] for name in names], feature)},
            segments={},
        )
        for side in (reference.profile, current)
    )
    grids = {feature: reference.grids[feature]}
    rest = replace(reference, grids=grids, profile=before, segments={}, seasonal=None)
    span = Span(finding.start_ms, finding.end_ms, finding.multiple)
    found = judge_parts(finding.model, finding.model_version, (Part("", rest, now),), span, rules)
    return any(one.detector == finding.detector and one.verdict is Verdict.OK for one in found)
