"""Sequential detectors without labels step through windows as they are judged, under the model's lock."""

from __future__ import annotations

from detectors.profile import Profile
from detectors.reference import Reference
from monitor.findings import Finding
from monitor.performance.signals import of_windows, streams, window_signals
from monitor.performance.stepping import step
from monitor.plan import ModelPlan
from monitor.store.base import DetectorState, ModelLock
from monitor.windows import Span


class Watching:
    """One visit's steps, in the order of the windows; nothing is read or written when no signal is wanted."""

    def __init__(self, lock: ModelLock, plan: ModelPlan) -> None:
        self._lock, self._plan = lock, plan
        self._states: dict[tuple[str, str], DetectorState] = {}
        if of_windows(plan):
            self._states = {(state.signal, state.detector): state for state in lock.detector_states()}
        self._stepped: dict[tuple[str, str], DetectorState] = {}

    def step(self, reference: Reference, profile: Profile, span: Span) -> tuple[Finding, ...]:
        """Step through a window, unless it was counted on another reference than the model has now."""
        if reference.id != self._plan.reference.id:
            return ()
        findings: list[Finding] = []
        for signal in window_signals(self._plan, profile, span):
            for kind in self._plan.settings.concept.detectors:
                key = signal.name, kind
                stored = self._stepped.get(key) or self._states.get(key)
                self._stepped[key], finding = step(
                    self._plan, signal, kind, streams(self._plan), stored, span
                )
                findings.append(finding)
        return tuple(findings)

    def write(self) -> None:
        """Write the checkpoints of all steps."""
        if self._stepped:
            self._lock.write_detector_states(tuple(self._stepped.values()))
