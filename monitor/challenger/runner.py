"""The service's side of the challenger: rows go in, results come out, and nothing is ever waited for."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from detectors.dictionary import Dictionary
from detectors.dictionary_file import to_toml
from detectors.outputs import Outputs, Task
from detectors.warm_up import learned_features
from monitor.challenger.child import Child
from monitor.challenger.messages import Batch, Done, Hello, Ready, Refused, Said
from monitor.challenger.queue import RowQueue
from monitor.challenger.results import EarlyWarning, Results
from monitor.challenger.rows import LabelledRow, SeenRow, WireRow
from monitor.challenger.state import taken
from monitor.challenger.terms import Terms, river_version, state_path
from monitor.clock import Clock, SystemClock
from monitor.config.concept import Challenger
from monitor.errors import ConfigError
from monitor.log import logger
from monitor.store.values import ChallengerResult

log = logger(__name__)

_QUEUE_S = 20.0
"""Of the budget: labels come in bursts, and a new process needs a while to begin."""
_LEAST_QUEUE = 200
_BATCH_ROWS = 100
_LOOK_S = 1.0
_PACE_S = 3.0
_STEADY_S = 60.0
_LONGEST_PAUSE_S = 60.0
_KILLED_S = 10.0
_ELSEWHERE_S = 10.0


class ChallengerRunner:
    """Keeps one model's challenger running in a process of its own.

    `seen` and `labelled` neither wait nor raise: rows for which the queue has no room are shed and counted.
    A process that ends is started again, after growing pauses, and goes on from the state it saved last;
    the rows that it had in work are shed.

    Raises `ConfigError` for a model that does not choose between classes.
    """

    def __init__(
        self,
        model: str,
        settings: Challenger,
        dictionary: Dictionary,
        outputs: Outputs,
        window_ms: int,
        warm_up: bytes,
        state_dir: Path,
        clock: Clock | None = None,
        save_every_s: float = 60.0,
        first_pause_s: float = 1.0,
    ) -> None:
        self._terms = terms_of(model, settings, dictionary, outputs)
        self._hello = Hello(
            terms=self._terms,
            window_ms=window_ms,
            state_path=str(state_path(state_dir.absolute(), model)),
            save_every_s=save_every_s,
            warm_up=warm_up,
            warm_up_rows=settings.warm_up_rows,
            dictionary=to_toml(dictionary),
            label=outputs.label,
        )
        self._settings = settings
        self._clock = clock or SystemClock()
        self._first_pause_s = first_pause_s
        self._queue = RowQueue(max(_LEAST_QUEUE, math.ceil(_QUEUE_S * settings.rows_per_s)))
        self._results = Results(self._terms, window_ms)
        self._stopping = threading.Event()
        self._is_held = True
        self._told_s = -math.inf
        self._child: Child | None = None
        self._thread = threading.Thread(target=self._run, name=f"challenger {model}", daemon=True)
        self.restarts = 0

    # -- what the service calls -------------------------------------------------------------------------

    def start(self) -> None:
        """Start the process; rows that come before it is ready wait in the queue."""
        self._thread.start()

    def hold(self, *, is_held: bool) -> None:
        """Say whether the challenger may learn here; a process that may not any more saves and ends."""
        self._is_held = is_held

    def seen(self, rows: Iterable[SeenRow]) -> None:
        """Hand over rows that production has predicted and whose label is not known yet."""
        self._put(rows)

    def labelled(self, rows: Iterable[LabelledRow]) -> None:
        """Hand over rows whose label is known now."""
        self._put(rows)

    def _put(self, rows: Iterable[WireRow]) -> None:
        self._results.shed(rows if self._stopping.is_set() else self._queue.put(rows))

    def collect(self) -> tuple[ChallengerResult, ...]:
        """Give the windows that changed since they were told, whole, every few seconds; by start.

        They are given again until `told` says that the database has them.
        """
        is_over = not self._thread.is_alive()
        if not is_over and self._clock.monotonic() - self._told_s < _PACE_S:
            return ()
        return self._results.untold()

    def warnings(self) -> tuple[EarlyWarning, ...]:
        """Give the early warnings that were not told; they are given again until `told`."""
        return self._results.warnings()

    def told(self, results: Iterable[ChallengerResult] = (), warnings: Iterable[EarlyWarning] = ()) -> None:
        """Note that the database has these."""
        self._told_s = self._clock.monotonic()
        self._results.told(results, warnings)

    def stop(self, timeout_s: float) -> None:
        """Let the process save and end, or kill it after the timeout; rows still queued are shed.

        `collect` gives what came last.
        """
        self._stopping.set()
        self._queue.wake()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
            child = self._child
            if self._thread.is_alive() and child is not None:
                log.warning("challenger was killed: it did not end in time", model=self._terms.model)
                child.kill()
                self._thread.join(_KILLED_S)
        self._results.shed(self._queue.drain())

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until all rows so far have been taken in; False when that takes longer."""
        return self._queue.wait_empty(timeout_s)

    # -- what the service may want to know --------------------------------------------------------------

    @property
    def shed_rows(self) -> int:
        """Labelled rows that the challenger never got, since the start."""
        return self._results.shed_rows

    @property
    def unseen_rows(self) -> int:
        """Rows without a label that it never got."""
        return self._results.unseen_rows

    @property
    def learned_rows(self) -> int:
        """Rows that the ensemble has learned, training rows among them."""
        return self._results.learned_rows

    @property
    def pid(self) -> int | None:
        """The process; None while there is none."""
        child = self._child
        return None if child is None else child.pid

    def serves(self, settings: Challenger, dictionary: Dictionary, outputs: Outputs, window_ms: int) -> bool:
        """Tell whether this runner can stay after a reload; raises `ConfigError` as making one does."""
        terms = terms_of(self._terms.model, settings, dictionary, outputs)
        wanted = (settings, terms, window_ms, to_toml(dictionary), outputs.label)
        hello = self._hello
        return wanted == (self._settings, hello.terms, hello.window_ms, hello.dictionary, hello.label)

    # -- the thread -------------------------------------------------------------------------------------

    def _run(self) -> None:
        pause_s, is_waiting = self._first_pause_s, False
        while not self._stopping.is_set():
            begun_s = self._clock.monotonic()
            if not self._is_held:
                self._clock.wait(self._stopping, _LOOK_S)
                continue
            if self._is_elsewhere():
                if not is_waiting:
                    log.info("challenger waits: another process here has it", model=self._terms.model)
                is_waiting = True
                self._clock.wait(self._stopping, _ELSEWHERE_S)
                continue
            is_waiting = False
            reason = self._one_process()
            if self._stopping.is_set() or not self._is_held:
                continue
            if self._clock.monotonic() - begun_s > _STEADY_S:
                pause_s = self._first_pause_s
            self.restarts += 1
            log.warning(
                "challenger ended by itself, it is started again",
                model=self._terms.model, reason=reason, wait_s=pause_s, restarts=self.restarts,
            )  # fmt: skip
            self._clock.wait(self._stopping, pause_s)
            pause_s = min(_LONGEST_PAUSE_S, 2 * pause_s)

    def _is_elsewhere(self) -> bool:
        """Look whether another process has the state, which is cheaper than starting one to be refused."""
        try:
            lock = taken(Path(self._hello.state_path))
        except OSError:
            return False  # the process will find the same, and say it
        if lock is not None:
            lock.close()
        return lock is None

    def _one_process(self) -> str:
        """Start a process and feed it until it ends or shall end; give the reason."""
        try:
            self._child = child = Child()
        except OSError as error:
            return f"it could not be started: {error}"
        try:
            reason = self._feed(child)
        except OSError as error:
            reason = str(error)
        except Exception as error:  # the thread must go on, whatever it is
            log.exception("challenger failed", model=self._terms.model)
            reason = repr(error)
        finally:
            code = child.end()
            self._child = None
            self._queue.finished()
        return f"{reason} (exit code {code})"

    def _feed(self, child: Child) -> str:
        """Give the process rows until it shall end; may raise OSError when it ends by itself."""
        answer = child.ask(
            msgspec.structs.replace(self._hello, windows=self._results.known()), self._stopping.is_set
        )
        if isinstance(answer, Refused):
            return answer.reason
        if isinstance(answer, Ready):
            self._results.begin(answer.windows, answer.learned_rows)
            self._log(answer.said)
        while self._is_held and not self._stopping.is_set():
            rows = self._queue.take(_BATCH_ROWS, _LOOK_S)
            sheds = self._results.sheds()
            if rows or sheds:
                self._work(child, Batch(tuple(rows), sheds))
            elif child.ended() is not None:
                return "it ended while it had nothing to do"
        last = child.finish()
        if last is not None:
            self._take(last)
        return ""

    def _work(self, child: Child, batch: Batch) -> None:
        try:
            answer = child.ask(batch, self._stopping.is_set)
        except OSError:
            self._results.shed(batch.rows)
            raise
        if isinstance(answer, Done):
            self._take(answer)
        self._queue.finished()

    def _take(self, done: Done) -> None:
        self._results.take(done.windows, done.rises, done.learned_rows)
        self._log(done.said)

    def _log(self, said: Sequence[Said]) -> None:
        for line in said:
            getattr(log, line.level)(line.event, model=self._terms.model, **line.fields)


def terms_of(model: str, settings: Challenger, dictionary: Dictionary, outputs: Outputs) -> Terms:
    """Gather what the learned state depends on; raises `ConfigError` where a challenger cannot learn."""
    place = f"models.{model}.challenger"
    if outputs.task is Task.REGRESSION:
        raise ConfigError(
            f"{place}: the model predicts numbers, a challenger chooses between classes: leave the table out"
        )
    features = tuple((feature.name, str(feature.kind)) for feature in learned_features(dictionary))
    if not features:
        raise ConfigError(f"{place}: the data dictionary has no numeric, categorical or boolean feature")
    return Terms(
        model, settings.base, settings.rule, settings.seed, outputs.classes, features, river_version()
    )
