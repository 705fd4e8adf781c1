"""From sums of an experiment's variants to rows of history. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from detectors.dictionary import Role
from detectors.experiment import Experiment
from detectors.experiment_evidence import SPLIT, p_values
from detectors.mean_difference import Looking, difference, probabilities_of_best
from detectors.moments import Moments
from detectors.split_evidence import total_variation
from monitor.config.experiment import Experiment as Settings
from monitor.experiment.state import Known
from monitor.findings import ExperimentResult
from monitor.plan import ModelPlan
from monitor.windows import Span

INCONCLUSIVE, INVALID = "inconclusive", "invalid"


@dataclass(frozen=True, slots=True)
class Judging:
    """One model's experiment: what is needed to judge its sums."""

    plan: ModelPlan
    settings: Settings
    experiment: Experiment

    @property
    def features(self) -> frozenset[str]:
        """The columns that should tell nothing of the variant."""
        known = self.plan.reference.dictionary.features
        return frozenset(name for name in self.experiment.columns if known[name].role is Role.FEATURE)

    @property
    def looking(self) -> Looking:
        """How means are compared: treatments share the error."""
        alpha = self.settings.alpha / len(self.settings.treatments)
        return Looking(alpha, self.settings.tightest_at, self.plan.settings.min_rows)

    def broken(self, known: Known) -> Mapping[str, float]:
        """The p-value of what must not be, by column (empty: the split), where it is shown."""
        found = {
            **dict(p_values(known.evidence, frozenset({SPLIT}))),
            **dict(p_values(known.evidence, self.features)),
        }
        return {name: p for name, p in found.items() if p <= self.settings.invalid_alpha}

    def inputs(self, known: Known, span: Span) -> Iterator[ExperimentResult]:
        """Give the split, and each column of features and outputs, of each treatment."""
        arms, broken = known.arms, self.broken(known)
        total = int(arms.rows.sum())
        for at, variant in enumerate(self.settings.treatments, 1):
            base = self._base(known, span, variant, int(arms.rows[0]), int(arms.rows[at]))
            yield replace(
                base,
                kind="split",
                measure="rows",
                control_value=_share(int(arms.rows[0]), total),
                variant_value=_share(int(arms.rows[at]), total),
                difference=None if not total else arms.rows[at] / total - self.experiment.shares[at],
                log_evidence=known.evidence.get(SPLIT),
                conclusion=_held(total, SPLIT in broken),
                note=f"{arms.others:,} rows are of no variant" if arms.others else "",
            )
            yield from self._columns(known, base, at, broken)

    def _columns(
        self, known: Known, base: ExperimentResult, at: int, broken: Mapping[str, float]
    ) -> Iterator[ExperimentResult]:
        outputs = frozenset(self.experiment.columns) - self.features
        p_of = dict(p_values(known.evidence, outputs))
        for name, table in known.arms.tables.items():
            pair = table[:, [0, at]]
            n_control, n_variant = (int(n) for n in pair.sum(axis=0))
            is_input = name in self.features
            both = n_control and n_variant
            conclusion = _held(both, name in broken)
            if not is_input:
                conclusion = _differs(both, p_of[name] <= self.settings.alpha)
            yield replace(
                base,
                kind="input" if is_input else "prediction",
                measure=name,
                n_control=n_control,
                n_variant=n_variant,
                difference=total_variation(pair) if both else None,
                log_evidence=known.evidence.get(name),
                conclusion=conclusion,
            )

    def measures(
        self, known: Known, span: Span, kind: str, measure: str, arms: tuple[Moments, ...], *, higher: bool
    ) -> Iterator[ExperimentResult]:
        """Give one measure's means, of each treatment beside the control."""
        looking, control = self.looking, arms[0]
        best = probabilities_of_best(arms, looking, higher_is_better=higher)
        is_broken = bool(self.broken(known))
        for at, variant in enumerate(self.settings.treatments, 1):
            found = difference(control, arms[at], looking)
            base = self._base(known, span, variant, control.n, arms[at].n)
            yield replace(
                base,
                kind=kind,
                measure=measure,
                control_value=control.mean if control.n else None,
                variant_value=arms[at].mean if arms[at].n else None,
                difference=found.difference,
                low=found.low,
                high=found.high,
                lift=found.lift,
                lift_low=found.lift_low,
                lift_high=found.lift_high,
                probability=None if best is None else best[at],
                conclusion=INVALID if is_broken else _better(found.low, found.high, higher=higher),
                note=found.note,
            )

    def _base(
        self, known: Known, span: Span, variant: str, n_control: int, n_variant: int
    ) -> ExperimentResult:
        return ExperimentResult(
            model=self.plan.name,
            model_version=self.plan.settings.version,
            experiment=self.experiment.name,
            start_ms=span.start_ms,
            end_ms=span.end_ms,
            since_ms=known.since_ms,
            kind="",
            measure="",
            variant=variant,
            control=self.settings.control,
            n_control=n_control,
            n_variant=n_variant,
            control_value=None,
            variant_value=None,
            difference=None,
            low=None,
            high=None,
            lift=None,
            lift_low=None,
            lift_high=None,
            probability=None,
            log_evidence=None,
            conclusion="",
            reference_id=known.reference_id,
            note="",
        )


def judging(plan: ModelPlan) -> Judging | None:
    """Give what judges a model's experiment; None when it has none."""
    settings, experiment = plan.settings.experiment, plan.reference.experiment
    return None if settings is None or experiment is None else Judging(plan, settings, experiment)


def _share(rows: int, total: int) -> float | None:
    return rows / total if total else None


def _held(rows: int, is_broken: bool) -> str:
    if is_broken:
        return "fail"
    return "ok" if rows else INCONCLUSIVE


def _differs(rows: int, is_shown: bool) -> str:
    if not rows:
        return INCONCLUSIVE
    return "differs" if is_shown else "open"


def _better(low: float | None, high: float | None, *, higher: bool) -> str:
    if low is None or high is None:
        return INCONCLUSIVE
    if low > 0.0:
        return "better" if higher else "worse"
    if high < 0.0:
        return "worse" if higher else "better"
    return "open"
