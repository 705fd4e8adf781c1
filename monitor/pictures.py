"""Pictures for messages, from stored counts. A message never waits for one longer than a few seconds."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts import words
from alerts.evidence_values import instant_ms, mapping, real
from alerts.plot import Bars, Picture, Point, draw
from detectors.bins import Bin, bins_of
from detectors.grid import NumericGrid
from detectors.reference import Reference
from monitor.comparing import segment_of, stretch
from monitor.log import logger
from monitor.store.base import Store

log = logger(__name__)

LONGEST_S = 8.0
WINDOWS = 60  # of the course
TESTS = ("ks", "chi2")


class Pictures:
    """Draws what a message is about, one picture at a time, in a thread that may be left behind."""

    def __init__(
        self, store: Store, find: Callable[[str], Reference | None], least: Mapping[str, float]
    ) -> None:
        """Take each model's ``min_effect`` as ``least``."""
        self._store = store
        self._find = find
        self._least = least
        self._free = threading.Semaphore(1)

    def of(self, payload: Mapping[str, Any]) -> bytes | None:
        """Give a PNG for a message; None when there is none to draw, or not in time, whatever the reason."""
        subject = mapping(payload.get("picture"))
        if not subject or not self._free.acquire(timeout=LONGEST_S):
            return None
        drawn: list[bytes] = []
        done = threading.Event()

        def work() -> None:
            try:
                drawn.append(draw(self._picture(subject)))
            except ImportError as error:
                log.debug("no pictures in messages", error=str(error), way="pip install 'driftd[pictures]'")
            except Exception as error:  # noqa: BLE001  # whatever it is, the message has to go out
                log.warning("a message goes out without its picture", error=str(error))
            finally:
                self._free.release()
                done.set()

        threading.Thread(target=work, name="picture", daemon=True).start()
        done.wait(LONGEST_S)
        return drawn[0] if drawn else None

    def _picture(self, subject: Mapping[str, Any]) -> Picture:
        model, feature, segment = (str(subject.get(name) or "") for name in ("model", "feature", "segment"))
        begin, end, alarm_ms = (_instant(subject, name) for name in ("start_ms", "end_ms", "alarm_ms"))
        found = stretch(self._store, model, begin, end, self._find)
        reference = self._find(found.reference_id)
        if reference is None:
            raise LookupError(f"reference {found.reference_id} is not in the database any more")
        base, current = reference.in_season(found.profile), found.profile
        if segment:
            part = segment_of(reference, current, segment)
            base, current = part.reference, part.current
        if feature not in base.grids:
            raise LookupError(f"reference {found.reference_id} has no feature {feature}")
        bins = bins_of(base.profile.counts[feature], current.counts[feature], base.grids[feature])
        where = f" in {segment}" if segment else ""
        return Picture(
            title=f"{model}: {feature}{where}, {words.moment(begin)} to {words.moment(end)}",
            bars=_bars(bins, are_ordered=isinstance(base.grids[feature], NumericGrid)),
            course=self._course(model, feature, segment, int(real(subject.get("multiple")) or 1), end),
            alarm_ms=alarm_ms,
            least=self._least.get(model, 0.0),
        )

    def _course(
        self, model: str, feature: str, segment: str, multiple: int, end_ms: int
    ) -> tuple[Point, ...]:
        until = datetime.fromtimestamp(end_ms / 1000, UTC)
        where = {"feature": feature, "segment": segment, "multiple": multiple}
        rows = self._store.view("drift_history", model=model, until=until, where=where, limit=4 * WINDOWS)
        points = [
            Point(_ms(row["window_end"]), row["effect"], row["effect_low"], row["effect_high"])
            for row in rows
            if row["detector"] in TESTS and row["effect"] is not None
        ]
        return tuple(reversed(points[:WINDOWS]))


def _instant(subject: Mapping[str, Any], name: str) -> int:
    at_ms = instant_ms(subject.get(name))
    if at_ms is None:
        raise LookupError(f"the message does not say {name}")
    return at_ms


def _bars(bins: tuple[Bin, ...], *, are_ordered: bool) -> Bars:
    return Bars(
        names=tuple(_name(one) for one in bins),
        reference=tuple(one.reference for one in bins),
        current=tuple(one.current for one in bins),
        are_ordered=are_ordered,
    )


def _name(one: Bin) -> str:
    """Give a bin's name, or where it begins."""
    if one.name:
        return one.name
    if math.isinf(one.low):
        return f"< {words.number(one.high)}"
    return f"≥ {words.number(one.low)}" if math.isinf(one.high) else words.number(one.low)


def _ms(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
