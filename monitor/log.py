"""The log: one line per event, for people on a terminal, as JSON elsewhere."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from monitor.clock import Clock
from monitor.logfilters import Quieten, Redact

Format = Literal["auto", "json", "console"]
Level = Literal["debug", "info", "warning", "error"]

_QUIET = ("alembic", "apprise", "kafka", "librdkafka", "sqlalchemy", "urllib3")
"""Libraries whose everyday talk is only of interest while debugging."""
_FIRST = ("ts", "level", "event")


def logger(name: str) -> FilteringBoundLogger:
    """A logger whose lines carry ``name`` as their ``module``; it follows every later `configure`."""
    bound: FilteringBoundLogger = structlog.get_logger(module=name)
    return bound


def configure(
    clock: Clock,
    form: Format = "auto",
    level: Level = "info",
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Set up the process's log, also for libraries; may be called again, the latest call holds.

    Each of ``secrets`` is masked wherever it appears, as are passwords in URLs. ``auto`` is for people when
    ``stream`` (standard error by default) is a terminal, else JSON.
    """
    out = sys.stderr if stream is None else stream
    is_terminal = out.isatty()
    for_people = form == "console" or (form == "auto" and is_terminal)
    structlog.configure(
        processors=_chain(clock, Redact(secrets), for_people=for_people, colors=is_terminal),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    _adopt_libraries(level)


def _chain(clock: Clock, redact: Redact, *, for_people: bool, colors: bool) -> list[Processor]:
    render: Processor = _as_json
    exceptions: Processor = structlog.processors.format_exc_info
    if for_people:
        render = structlog.dev.ConsoleRenderer(colors=colors, timestamp_key="ts", sort_keys=False)
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        Quieten(clock),
        exceptions,
        redact,
        _stamped(clock),
        _in_order,
        render,
    ]


def _stamped(clock: Clock) -> Callable[[WrappedLogger, str, EventDict], EventDict]:
    def stamp(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["ts"] = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return event

    return stamp


def _in_order(_: WrappedLogger, __: str, event: EventDict) -> Mapping[str, Any]:
    first = {key: event[key] for key in _FIRST if key in event}
    return first | {key: value for key, value in event.items() if key not in first}


def _as_json(_: WrappedLogger, __: str, event: EventDict) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()


class _Forward(logging.Handler):
    """Hands what libraries log to the same chain."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            text = str(record.msg)
        extra = {"exc_info": record.exc_info} if record.exc_info else {}
        logger(record.name).log(_known(record.levelno), text, **extra)


def _known(level: int) -> int:
    """The nearest level that structlog has a name for; Apprise has levels of its own."""
    return max(known for known in (0, 10, 20, 30, 40, 50) if known <= max(level, 0))


def _adopt_libraries(level: Level) -> None:
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, _Forward)]:
        root.removeHandler(handler)
    root.addHandler(_Forward())
    wanted = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(wanted)
    logging.getLogger("kafka.net.selector").setLevel(logging.ERROR)  # warns of its own long steps
    for name in _QUIET:
        logging.getLogger(name).setLevel(wanted if wanted == logging.DEBUG else max(wanted, logging.WARNING))
