"""Findings about an experiment's data: a split that is off, inputs that tell the variant. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from alerts import words
from alerts.model import Alert
from detectors.checks import Dimension
from detectors.experiment_evidence import SPLIT, p_values
from detectors.result import Verdict
from detectors.split_evidence import total_variation
from monitor.experiment.results import Judging
from monitor.experiment.state import Known
from monitor.findings import QualityFinding
from monitor.own_findings import own_finding
from monitor.plan import ModelPlan
from monitor.windows import Span

SAMPLE_RATIO, RANDOMISATION = "sample_ratio", "randomisation"


def checks(judging: Judging, known: Known, span: Span) -> Iterator[QualityFinding]:
    """Give whether rows are dealt as they should be, and whether each feature tells the variant."""
    yield _split(judging, known, span)
    rows = known.arms.rows
    for name, p_value in p_values(known.evidence, judging.features):
        table = known.arms.tables[name]
        apart = [total_variation(table[:, [0, at]]) for at in range(1, len(rows))]
        largest = max((each for each in apart if not np.isnan(each)), default=0.0)
        yield _finding(
            judging,
            span,
            name,
            RANDOMISATION,
            "the same values in every variant",
            f"{words.percent(largest, 1)} of rows apart since {words.moment(known.since_ms)}",
            round(largest * int(rows[1:].max(initial=0))),
            int(rows.sum()),
            p_value,
        )


def _split(judging: Judging, known: Known, span: Span) -> QualityFinding:
    rows, experiment = known.arms.rows, judging.experiment
    total = int(rows.sum())
    ((_, p_value),) = p_values(known.evidence, frozenset({SPLIT}))
    surplus = float((rows - total * np.array(experiment.shares)).max(initial=0.0))
    observed = _shares(experiment.variants, [float(each) / max(total, 1) for each in rows])
    return _finding(
        judging,
        span,
        "",
        SAMPLE_RATIO,
        _shares(experiment.variants, list(experiment.shares)),
        f"{observed} of {words.count(total, 'row')} since {words.moment(known.since_ms)}",
        round(surplus),
        total,
        p_value,
    )


def _shares(variants: tuple[str, ...], shares: list[float]) -> str:
    return ", ".join(
        f"{name} {words.percent(share, 1)}" for name, share in zip(variants, shares, strict=True)
    )


def over(
    plan: ModelPlan, standing: Iterable[Alert], told: Iterable[QualityFinding], span: Span
) -> Iterator[QualityFinding]:
    """Say of what alerts are about that it is no longer looked at, because its experiment is over."""
    known = {(finding.check_name, finding.feature) for finding in told}
    for alert in standing:
        check, feature = alert.label("check"), alert.label("feature")
        if check in (SAMPLE_RATIO, RANDOMISATION) and (check, feature) not in known:
            yield _made(plan, span, feature, check, "", "the experiment is over", Verdict.OK)


def _finding(
    judging: Judging,
    span: Span,
    feature: str,
    check: str,
    expected: str,
    observed: str,
    failed: int,
    total: int,
    p_value: float,
) -> QualityFinding:
    is_bad = p_value <= judging.settings.invalid_alpha
    verdict = Verdict.FAIL if is_bad else Verdict.OK if total else Verdict.INCONCLUSIVE
    return replace(
        _made(judging.plan, span, feature, check, expected, observed, verdict),
        failed_rows=failed if is_bad else 0,
        total_rows=total,
        p_value=p_value,
        note=f"experiment {judging.experiment.name}" if total else "no row has one of the variants",
    )


def _made(
    plan: ModelPlan, span: Span, feature: str, check: str, expected: str, observed: str, verdict: Verdict
) -> QualityFinding:
    return own_finding(
        plan,
        span,
        check,
        Dimension.CONSISTENCY,
        verdict,
        feature=feature,
        expected=expected,
        observed=observed,
        reference_id=plan.reference.id,
    )
