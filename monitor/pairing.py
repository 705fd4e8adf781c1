"""What a closed window says about how features go together. Pure."""

from __future__ import annotations

from dataclasses import asdict, replace

from detectors.profile import Profile
from detectors.reference import Reference
from detectors.relations import Relations, relations
from detectors.result import Shift, Verdict
from monitor.config.model import Model
from monitor.errors import ConfigError
from monitor.findings import Finding
from monitor.judge import WARN_LEVELS
from monitor.windows import Span

KIND = "correlation"


def paired(name: str, settings: Model, reference: Reference) -> Reference:
    """Give the reference, with pairs if the configuration asks for them; ConfigError if it lacks them."""
    if not settings.detectors.pairs:
        if reference.pairing is None:
            return reference
        return replace(reference, pairing=None, profile=replace(reference.profile, pairs=None))
    if reference.pairing is None:
        raise ConfigError(
            f"models.{name}.detectors.pairs: the reference does not know how features go together: build it "
            f"again with this configuration (driftd reference build {name} FILE), or leave it out"
        )
    return reference


def judge_pairs(
    model: str, settings: Model, reference: Reference, current: Profile, span: Span, level: float
) -> tuple[Finding, ...]:
    """Test all pairs as one; nothing where the window's rows were not all summed up."""
    before, now = reference.profile.pairs, current.pairs
    if reference.pairing is None or before is None or now is None:
        return ()
    least = settings.detectors.min_correlation
    effects = {name: reference.effect_of(name, span.multiple) for name in reference.pairing.names}
    found = relations(before, now, reference.pairing, effects, settings.min_rows, level, least)
    verdict = _verdict(found, level, least)
    finding = Finding(
        model=model,
        model_version=settings.version,
        segment="",
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        multiple=span.multiple,
        shift=Shift.COVARIATE,
        detector=KIND,
        feature="",
        result=found.result,
        adjusted_p=found.result.p_value,
        threshold=level,
        verdict=verdict,
        reference_id=reference.id,
        details={"kind": "pairs", "pairs": [asdict(each) for each in found.broken]} if found.broken else {},
    )
    return (finding,)


def _verdict(found: Relations, level: float, least: float) -> Verdict:
    p, change = found.result.p_value, found.result.effect
    if p is None or change is None:
        return Verdict.INCONCLUSIVE
    if found.broken:
        return Verdict.DRIFT
    return Verdict.WARN if change >= least and p <= min(WARN_LEVELS * level, 0.05) else Verdict.OK
