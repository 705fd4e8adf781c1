from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from monitor.challenger import worker as module
from monitor.challenger.messages import Alive, Answer, Batch, Done, Hello, Link, Ready, Refused
from monitor.challenger.rows import LabelledRow
from monitor.challenger.state import read_state
from monitor.challenger.sums import WindowSums
from monitor.challenger.terms import state_path
from monitor.challenger.worker import serve
from monitor.clock import SystemClock
from tests.monitor.challenger.streams import HOUR_MS, TERMS, stream
from tests.services.waiting import until

LIMIT_S = 20.0


class Service:
    """The service's end of the socket; the worker runs in a thread of the test."""

    def __init__(self, link: Link, hello: Hello) -> None:
        self._link = link
        self.alive = 0
        self.begun = self.ask(hello)

    def ask(self, question: Hello | Batch) -> Ready | Done | Refused:
        self._link.send(question)
        answer = self._heard()
        assert isinstance(answer, Ready | Done | Refused)
        return answer

    def finish(self) -> Done:
        self._link.finish()
        answer = self._heard()
        assert isinstance(answer, Done)
        assert self._heard() is None
        return answer

    def _heard(self) -> Any:
        while isinstance(answer := self._link.receive(), Alive):
            self.alive += 1
        return answer

    def taken(self, rows: list[LabelledRow], **more: Any) -> Done:
        done = self.ask(Batch(tuple(rows), **more))
        assert isinstance(done, Done)
        return done

    def said(self, answer: Answer | None = None) -> str:
        """Give what was told for the log, on one line."""
        answer = answer or self.begun
        assert isinstance(answer, Ready | Done)
        return "; ".join(f"{line.level} {line.event} {line.fields}" for line in answer.said)


@contextmanager
def worker(folder: Path, **changes: Any) -> Iterator[Service]:
    """Run a worker until the service's end is closed."""
    hello = Hello(TERMS, HOUR_MS, str(state_path(folder, "loans")), 1e6, b"", 100, "toml", "label")
    ours, theirs = socket.socketpair()
    ours.settimeout(LIMIT_S)

    def run() -> None:
        with theirs:
            serve(Link(theirs), SystemClock())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield Service(Link(ours), msgspec.structs.replace(hello, **changes))
    finally:
        ours.close()
        thread.join(LIMIT_S)
        assert not thread.is_alive()


def test_a_fresh_one_warms_up_and_keeps_the_service_informed_of_being_alive(tmp_path: Path) -> None:
    with worker(tmp_path, warm_up=stream(300).warm_up(), warm_up_rows=100) as service:
        assert isinstance(service.begun, Ready)
        assert (service.begun.windows, service.begun.learned_rows) == ((), 100)
        assert service.alive == 5
        assert "challenger has warmed up {'training_rows': 100}" in service.said()
        assert len(service.finish().windows) == 0
    state = read_state(state_path(tmp_path, "loans"))
    assert state is not None
    assert (state.learned_rows, state.label, state.dictionary) == (100, "label", "toml")


def test_each_batch_is_answered_with_the_windows_that_it_changed(tmp_path: Path) -> None:
    with worker(tmp_path) as service:
        service.taken(stream(10).labelled())
        (sums,) = service.taken(stream(5).labelled(hour=2)).windows
        assert (sums.start_ms, sums.rows) == (2 * HOUR_MS, 5)
        (sums,) = service.taken([], shed={0: 7}).windows
        assert (sums.start_ms, sums.rows, sums.shed_rows) == (0, 10, 7)
        assert service.taken([]).windows == ()


def test_it_saves_at_the_end_and_goes_on_from_there(tmp_path: Path) -> None:
    with worker(tmp_path) as service:
        service.taken(stream(10).labelled(), shed={0: 3})
        service.finish()
    with worker(tmp_path, warm_up=stream(100).warm_up()) as service:
        assert isinstance(service.begun, Ready)
        assert [(sums.rows, sums.shed_rows) for sums in service.begun.windows] == [(10, 3)]
        assert service.begun.learned_rows == 10  # and no training row
        assert "info challenger goes on from its saved state {'learned_rows': 10}" in service.said()
        assert [sums.rows for sums in service.taken(stream(5).labelled()).windows] == [15]


def test_a_service_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    with worker(tmp_path) as service:
        service.taken(stream(10).labelled())
    state = read_state(state_path(tmp_path, "loans"))
    assert state is not None
    assert state.learned_rows == 10


def test_it_saves_when_the_time_has_come(tmp_path: Path) -> None:
    with worker(tmp_path, save_every_s=0.0) as service:
        for size in (10, 1):  # the second answer comes after the first save
            service.taken(stream(size).labelled())
        state = read_state(state_path(tmp_path, "loans"))
        assert state is not None
        assert state.learned_rows in {10, 11}


def test_it_saves_while_it_has_nothing_to_do(tmp_path: Path) -> None:
    with worker(tmp_path, save_every_s=0.5) as service:
        service.taken(stream(10).labelled())
        until(state_path(tmp_path, "loans").exists, "a saved state")


def test_windows_that_the_service_was_told_of_are_not_counted_down(tmp_path: Path) -> None:
    known = (WindowSums(0, rows=40, challenger_errors=4, shed_rows=1),)
    with worker(tmp_path) as service:
        service.taken(stream(10).labelled())
        service.finish()
    with worker(tmp_path, windows=known) as service:
        assert isinstance(service.begun, Ready)
        assert service.begun.windows == known


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"terms": msgspec.structs.replace(TERMS, seed=4)}, "seed was 3, is 4 now"),
        ({"terms": msgspec.structs.replace(TERMS, river="0.1")}, "river's version was"),
        ({"terms": msgspec.structs.replace(TERMS, features=(("a", "numeric"),))}, "features are others"),
    ],
)
def test_a_state_of_other_terms_is_set_aside_with_a_sentence(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with worker(tmp_path) as service:
        service.taken(stream(10).labelled())
        service.finish()
    with worker(tmp_path, **changes) as service:
        assert isinstance(service.begun, Ready)
        assert (service.begun.windows, service.begun.learned_rows) == ((), 0)
        assert "warning challenger's saved state is of no use" in service.said()
        assert words in service.said()
        service.finish()
    assert read_state(tmp_path / "challenger-loans.state.old") is not None


def test_a_damaged_state_is_set_aside_with_a_sentence(tmp_path: Path) -> None:
    path = state_path(tmp_path, "loans")
    path.write_bytes(b"garbage")
    path.chmod(0o600)
    with worker(tmp_path, warm_up=stream(20).warm_up()) as service:
        assert "it is damaged" in service.said()
        assert "has warmed up {'training_rows': 20}" in service.said()
    assert path.with_name("challenger-loans.state.old").read_bytes() == b"garbage"


def test_training_rows_that_cannot_be_read_only_make_it_begin_without(tmp_path: Path) -> None:
    with worker(tmp_path, warm_up=b"garbage") as service:
        assert "begins without training rows" in service.said()
        assert service.taken(stream(5).labelled()).learned_rows == 5


def test_of_two_for_one_model_the_second_is_refused(tmp_path: Path) -> None:
    with worker(tmp_path), worker(tmp_path) as second:
        assert isinstance(second.begun, Refused)
        assert "another process has" in second.begun.reason
    with worker(tmp_path) as third:
        assert isinstance(third.begun, Ready)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with worker(tmp_path / "file") as service:
        assert isinstance(service.begun, Refused)
        assert "file" in service.begun.reason


def test_a_state_that_cannot_be_written_is_told_and_ends_nothing(tmp_path: Path) -> None:
    with worker(tmp_path, save_every_s=0.0) as service:
        state_path(tmp_path, "loans").mkdir()
        service.taken(stream(5).labelled())
        done = service.taken(stream(5, seed=2).labelled())
        assert "state was not saved" in service.said(done) + service.said(service.finish())


def test_one_that_has_grown_too_large_begins_anew_and_keeps_its_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 1_000)
    with worker(tmp_path, save_every_s=0.0, warm_up=stream(20).warm_up()) as service:
        service.taken(stream(30).labelled())  # saved after the answer
        done = service.taken(stream(5, seed=2).labelled())
        assert "warning challenger has grown too large and begins anew {'saved_bytes': " in service.said(done)
        assert done.learned_rows == 25
        assert [sums.rows for sums in done.windows] == [35]


def test_rows_that_fail_are_told_once_a_batch(tmp_path: Path) -> None:
    with worker(tmp_path) as service:
        done = service.taken([LabelledRow(0, b"", 1, 1)] * 3)
        assert service.said(done).startswith("error challenger could not take rows {'rows': 3, 'reason'")


def test_a_long_beginning_is_broken_off_when_nobody_waits_and_leaves_no_half_warm_state(
    tmp_path: Path,
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        hello = Hello(
            TERMS, HOUR_MS, str(state_path(tmp_path, "loans")), 1e6, stream(2_000).warm_up(), 2_000, "", ""
        )
        Link(ours).send(hello)
        ours.shutdown(socket.SHUT_WR)
        serve(Link(theirs), SystemClock())
    assert not state_path(tmp_path, "loans").exists()


@pytest.mark.parametrize("data", [b"\x00\x00\x00\x05ab", b"\xff\xff\xff\xff", b"\x00\x00\x00\x01\xc1"])
def test_a_broken_stream_ends_the_worker(tmp_path: Path, data: bytes) -> None:
    """A message that stops in the middle, one of 4 GB, and one that makes no sense."""
    with worker(tmp_path) as service:
        service._link._socket.sendall(data)
        service._link.finish()
        assert isinstance(service._heard(), Done)
