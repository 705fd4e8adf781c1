"""The challenger itself: it predicts each labelled row before it learns it, beside production's model."""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterable, Sequence

from detectors.abstaining import AbstainingEnsemble, abstention_share
from detectors.abstaining_bases import build
from detectors.warm_up import Row
from monitor.challenger.rows import LabelledRow, SeenRow, WireRow, features_of
from monitor.challenger.state import ChallengerState
from monitor.challenger.sums import Windows
from monitor.challenger.terms import Terms
from monitor.challenger.watch import AbstentionWatch, Rise


class Learner:
    """An ensemble, what it has done per window, and the watch over its members' abstaining."""

    def __init__(self, terms: Terms, window_ms: int, windows: Windows | None = None) -> None:
        self.terms = terms
        self.windows = windows or Windows(window_ms)
        self.learned_rows = 0
        self.failures: list[str] = []
        self._ensemble = build(terms.base, terms.rule, terms.seed)
        self._watch = AbstentionWatch()

    @classmethod
    def restored(cls, state: ChallengerState, terms: Terms, window_ms: int) -> Learner:
        """Go on where a state ended; windows of another length are left behind.

        Raises
        ------
        ValueError
            If it is of other terms, or the pickles in it cannot be opened.
        """
        if misfit := state.terms.misfit(terms):
            raise ValueError(misfit)
        learner = cls(terms, window_ms)
        try:
            ensemble = pickle.loads(state.ensemble)  # noqa: S301  # our own, see `read_state`
            watch = pickle.loads(state.watch)  # noqa: S301
        except Exception as error:  # a pickle may raise anything
            raise ValueError(f"what it has learned cannot be opened: {error!r}") from error
        if not isinstance(ensemble, AbstainingEnsemble) or not isinstance(watch, AbstentionWatch):
            raise ValueError("what it has learned is something else")  # noqa: TRY004  # as for any damage
        learner._ensemble, learner._watch = ensemble, watch
        learner.learned_rows = state.learned_rows
        if state.window_ms == window_ms:
            learner.windows.replace(state.windows)
        return learner

    def state(self, saved_ms: int, label: str, dictionary: str) -> ChallengerState:
        """Give everything that is needed to go on later."""
        return ChallengerState(
            terms=self.terms,
            saved_ms=saved_ms,
            window_ms=self.windows.window_ms,
            label=label,
            dictionary=dictionary,
            learned_rows=self.learned_rows,
            windows=self.windows.all(),
            ensemble=pickle.dumps(self._ensemble, pickle.HIGHEST_PROTOCOL),
            watch=pickle.dumps(self._watch, pickle.HIGHEST_PROTOCOL),
        )

    def warm_up(self, rows: Iterable[tuple[Row, int]]) -> None:
        """Learn training rows, which count in no window."""
        for features, label in rows:
            self._ensemble.learn_one(features, label)
            self.learned_rows += 1

    def take(self, rows: Sequence[WireRow]) -> tuple[Rise, ...]:
        """Take rows in, in this order; a row that fails goes to ``failures`` and keeps no other from it."""
        rises: list[Rise] = []
        for row in rows:
            try:
                if isinstance(row, SeenRow):
                    rises.extend(self._seen(row))
                else:
                    self._labelled(row)
            except Exception as error:  # noqa: BLE001  # no single row may end the challenger
                self.failures.append(repr(error))
        return tuple(rises)

    def _seen(self, row: SeenRow) -> Iterable[Rise]:
        share = abstention_share(self._ensemble.votes(features_of(row.features)))
        if math.isnan(share):  # nothing has been learned, so there are no members
            return
        sums = self.windows.of_time(row.time_ms)
        if sums is not None:
            sums.scored_rows += 1
            sums.abstention += share
        rise = self._watch.step(row.time_ms, share)
        if rise is not None:
            yield rise

    def _labelled(self, row: LabelledRow) -> None:
        features = features_of(row.features)
        votes = self._ensemble.votes(features)
        sums = self.windows.of_time(row.time_ms)
        if sums is not None:
            sums.compare(
                is_production_wrong=row.prediction != row.label,
                is_challenger_wrong=self._ensemble.decide(votes) != row.label,
            )
        self._ensemble.learn_one(features, row.label, votes=votes)
        self.learned_rows += 1
