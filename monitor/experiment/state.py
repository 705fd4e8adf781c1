"""What is known of an experiment after the windows so far: its checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

import msgspec

from detectors import experiment_sums
from detectors.experiment import Experiment
from detectors.experiment_sums import Arms
from monitor.store.base import DetectorState, ModelLock

KIND = "experiment"


@dataclass(frozen=True, slots=True)
class Known:
    """The sums of all windows since ``since_ms``, and the most evidence that there ever was, by column.

    The evidence about the split has the empty name. The tables begin again with another reference, whose bins
    are others; what was evident then stays so.
    """

    signature: str
    reference_id: str
    since_ms: int
    until_ms: int
    arms: Arms
    evidence: Mapping[str, float]

    @classmethod
    def begin(cls, experiment: Experiment, reference_id: str, since_ms: int) -> Self:
        """Know nothing yet."""
        return cls(experiment.signature, reference_id, since_ms, since_ms, experiment.empty(), {})

    def on(self, experiment: Experiment, reference_id: str) -> Self:
        """Go on with another reference."""
        if reference_id == self.reference_id:
            return self
        arms = replace(
            experiment.empty(), rows=self.arms.rows, others=self.arms.others, metric=self.arms.metric
        )
        return replace(self, reference_id=reference_id, arms=arms)

    def encoded(self, model: str) -> DetectorState:
        """The stored form."""
        facts = (self.signature, self.reference_id, self.since_ms, dict(self.evidence))
        state = msgspec.msgpack.encode((facts, experiment_sums.encode(self.arms)))
        return DetectorState(model, "", KIND, KIND, self.until_ms, int(self.arms.rows.sum()), 0, state)


def known_of(states: Iterable[DetectorState], experiment: Experiment) -> Known | None:
    """Find the checkpoint among a model's; None where there is none of this experiment that can be read."""
    mine = next((state for state in states if state.detector == KIND), None)
    if mine is None:
        return None
    try:
        facts, arms = msgspec.msgpack.decode(
            mine.state, type=tuple[tuple[str, str, int, dict[str, float]], bytes]
        )
        signature, reference_id, since_ms, evidence = facts
        sums = experiment_sums.decode(arms)
    except ValueError:  # msgspec's errors are some
        return None
    if signature != experiment.signature:
        return None
    return Known(signature, reference_id, since_ms, mine.until_ms, sums, evidence)


def stored(lock: ModelLock, experiment: Experiment) -> Known | None:
    """Read it from the database."""
    return known_of(lock.detector_states(), experiment)
