"""Errors that nobody foresaw: told with where they came from, and without secrets."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from monitor.errors import DriftdError
from monitor.log import logger
from monitor.logfilters import Redact

log = logger(__name__)


def say(error: BaseException, secrets: Iterable[str]) -> None:
    """Print the traceback of an error, with these secrets in it masked, and passwords in URLs."""
    text = "".join(traceback.format_exception(error))
    sys.stderr.write(Redact(secrets).text(text, may_have_lines=True))


@contextmanager
def logged() -> Iterator[None]:
    """Log an error that would end the process, as all else is, and end it; log those of threads."""
    before, threading.excepthook = threading.excepthook, _log_of_thread
    try:
        yield
    except DriftdError:
        raise
    except Exception:
        log.critical("stopped by an error that driftd did not foresee", exc_info=True)
        sys.exit(1)
    finally:
        threading.excepthook = before


def _log_of_thread(ended: threading.ExceptHookArgs) -> None:
    error = ended.exc_value
    if error is not None and not isinstance(error, SystemExit):
        name = "" if ended.thread is None else ended.thread.name
        cause = type(error), error, error.__traceback__
        log.critical(
            "a thread was stopped by an error that driftd did not foresee", thread=name, exc_info=cause
        )
