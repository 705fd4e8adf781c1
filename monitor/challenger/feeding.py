"""Between the engine and the challengers: committed sample rows go there, results come back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from detectors.result import Shift, TestResult, Verdict
from monitor.challenger.holder import LEASE, RENEW_S, holder_of
from monitor.challenger.results import EarlyWarning
from monitor.challenger.rows import LabelledRow, SeenRow, packed_features
from monitor.challenger.runner import ChallengerRunner
from monitor.challenger.sampler import Sampler
from monitor.clock import Clock
from monitor.findings import Finding
from monitor.join.arrivals import Learnable, Predictions
from monitor.log import logger
from monitor.plan import ModelPlan
from monitor.store.base import ChallengerResult, Lease, Store
from monitor.windows import span_at

log = logger(__name__)


@dataclass(slots=True)
class _One:
    plan: ModelPlan
    runner: ChallengerRunner
    sampler: Sampler
    is_held: bool = False
    seen: list[SeenRow] = field(default_factory=list)


class Challengers:
    """The challengers of all models that have one. Nothing here waits, and nothing is promised to arrive.

    Of several machines one has a model's challenger: its lease is taken and renewed by `hold`. The others
    sample and learn nothing meanwhile.
    """

    def __init__(self, state_dir: Path, clock: Clock) -> None:
        self._state_dir = state_dir
        self._clock = clock
        self._of: dict[str, _One] = {}
        self._looked_s = -math.inf
        self.holder = ""

    def follow(self, plans: Mapping[str, ModelPlan]) -> None:
        """Run the challengers that the plans ask for; raises `ConfigError` where one cannot learn."""
        for name in [name for name, one in self._of.items() if not _stays(one, plans.get(name))]:
            self._of.pop(name).runner.stop(_STOP_S)
        for name, plan in plans.items():
            settings, labels = plan.settings.challenger, plan.labels
            if settings is None or labels is None or name in self._of:
                continue
            runner = ChallengerRunner(
                name,
                settings,
                plan.reference.dictionary,
                labels.outputs,
                plan.window_ms,
                plan.reference.warm_up,
                self._state_dir,
            )
            runner.hold(is_held=False)
            runner.start()
            self._of[name] = _One(plan, runner, Sampler(settings.rows_per_s, settings.seed))
            self._looked_s = -math.inf

    def hold(self, store: Store) -> None:
        """Take or renew the leases, every few seconds; may raise `StoreError` or `JoinError`."""
        now_s = self._clock.monotonic()
        if not self._of or now_s - self._looked_s < RENEW_S:
            return
        self.holder = self.holder or holder_of(self._state_dir)
        now = self._clock.now()
        for name, one in self._of.items():
            is_held = store.hold_challenger(Lease(name, self.holder, now + LEASE), now)
            if is_held != one.is_held:
                told = "challenger learns here" if is_held else "challenger is on another machine now"
                log.info(told, model=name, holder=self.holder)
            one.is_held = is_held
            one.runner.hold(is_held=is_held)
        self._looked_s = now_s

    def sampled(self, arrived: Predictions) -> Mapping[int, bytes]:
        """Choose rows within the budget; give their features by the hash of their id."""
        one = self._of.get(arrived.model)
        if one is None or arrived.columns is None or not one.is_held:
            return {}
        chosen = one.sampler.choose(arrived.hashes, self._clock.monotonic())
        packed = packed_features(one.plan.reference.dictionary, arrived.columns, chosen)
        times = arrived.times_ms[chosen].tolist()
        one.seen.extend(SeenRow(time_ms, data) for time_ms, data in zip(times, packed, strict=True))
        return dict(zip(arrived.hashes[chosen].tolist(), packed, strict=True))

    def committed(self, learnable: Mapping[str, Iterable[Learnable]]) -> None:
        """Hand over what the database has now."""
        for name, one in self._of.items():
            one.runner.seen(one.seen)
            one.seen = []
            classes = 0 if one.plan.labels is None else len(one.plan.labels.outputs.classes)
            one.runner.labelled(
                LabelledRow(row.time_ms, row.features, int(row.label), int(row.prediction))
                for row in learnable.get(name, ())
                if _is_known(row.label, classes) and not math.isnan(row.prediction)
            )

    def abandon(self) -> None:
        """Forget rows that were not committed."""
        for one in self._of.values():
            one.seen = []

    def results(self) -> tuple[ChallengerResult, ...]:
        """Give the windows that the database does not have yet."""
        held = (one for one in self._of.values() if one.is_held)
        return tuple(result for one in held for result in one.runner.collect())

    def told(self, results: Iterable[ChallengerResult]) -> None:
        """Note that the database has these."""
        written = tuple(results)
        for name, one in self._of.items():
            mine = [result for result in written if result.model == name]
            if mine:
                one.runner.told(mine)

    def warnings(self, model: str) -> tuple[EarlyWarning, ...]:
        """Give the early warnings of a model that the database does not have yet."""
        one = self._of.get(model)
        return () if one is None else one.runner.warnings()

    def warned(self, warnings: Iterable[EarlyWarning]) -> None:
        """Note that the database has these."""
        written = tuple(warnings)
        for name, one in self._of.items():
            mine = [warning for warning in written if warning.model == name]
            if mine:
                one.runner.told((), mine)

    @property
    def shed_rows(self) -> Mapping[str, int]:
        """Labelled rows that were not learned from, by model, since the start."""
        return {name: one.runner.shed_rows for name, one in self._of.items()}

    def stop(self) -> None:
        """Let all challengers save what they know and end."""
        for one in self._of.values():
            one.runner.stop(_STOP_S)
        self._of.clear()


_STOP_S = 5.0


def _stays(one: _One, plan: ModelPlan | None) -> bool:
    if plan is None or plan.settings.challenger is None or plan.labels is None:
        return False
    return one.runner.serves(
        plan.settings.challenger, plan.reference.dictionary, plan.labels.outputs, plan.window_ms
    )


def _is_known(label: float, classes: int) -> bool:
    return bool(np.isfinite(label)) and label < classes


def warning_finding(plan: ModelPlan, warning: EarlyWarning) -> Finding:
    """Give the row of history of an early warning: it tells nobody, and needs no label."""
    span = span_at(warning.noticed_ms, 1, plan.window_ms)
    rise = warning.after - warning.before
    note = f"more of the challenger's members are unsure: {warning.before:.0%} to {warning.after:.0%}"
    return Finding(
        model=plan.name,
        model_version=plan.settings.version,
        segment="",
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        multiple=1,
        shift=Shift.COVARIATE,
        detector="abstention",
        feature="challenger",
        result=TestResult(warning.after, None, abs(rise), None, None, 0, warning.rows_since, 0.0, note),
        adjusted_p=None,
        threshold=None,
        verdict=Verdict.WARN,
        reference_id=plan.reference.id,
        details={
            "kind": "change_point",
            "signal": "abstention",
            "detector": "adwin",
            "changed_at_ms": warning.changed_ms,
            "before": warning.before,
            "after": warning.after,
            "rows_since": warning.rows_since,
            "direction": "other",
        },
    )
