"""River's detectors as bytes and back, without trusting the bytes."""

from __future__ import annotations

import collections
import io
import pickle  # read only through `_Reader`, which knows the detectors' classes and nothing else
import random
from collections.abc import Callable
from typing import Any

from river._river_rust.drift import AdaptiveWindowing
from river._river_rust.stats import RsEWMean
from river.drift import ADWIN, KSWIN, PageHinkley
from river.drift.binary import DDM, HDDMA, HDDMW
from river.drift.binary.hddm_w import SampleInfo
from river.stats import EWMean, Mean

PROTOCOL = 5  # fixed: equal detectors give equal bytes in every Python

_CLASSES: tuple[type, ...] = (
    ADWIN, DDM, HDDMA, HDDMW, KSWIN, PageHinkley, SampleInfo, EWMean, Mean,
    AdaptiveWindowing, RsEWMean, collections.deque, random.Random,
)  # fmt: skip
_ALLOWED = {(known.__module__, known.__qualname__): known for known in _CLASSES}
_TESTS = ("_test_both", "_test_decrease", "_test_increase")


def freeze(detector: Any) -> bytes:
    """The detector's whole state; exact."""
    if isinstance(detector, KSWIN):
        detector.p_value = 0  # only told, never used; as a number of numpy's it would need more classes
    return pickle.dumps(detector, PROTOCOL)


def thaw(data: bytes) -> Any:
    """A new detector in the state that was frozen.

    Raises
    ------
    ValueError
        If the bytes are damaged, or name anything but the classes that river's
        detectors are made of.
    """
    try:
        return _Reader(io.BytesIO(data)).load()
    except Exception as error:  # damaged pickles raise nearly anything
        raise ValueError(f"{len(data)} bytes are not a detector's state: {error!r}") from error


class _Reader(pickle.Unpickler):
    """Reads the allowed classes only."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("builtins", "getattr"):
            return _bound_test
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a detector")
        return _ALLOWED[module, name]


def _bound_test(detector: Any, name: str) -> Callable[..., bool]:
    """The only attribute that river's pickles ask for: one of three methods of Page-Hinkley's."""
    if not isinstance(detector, PageHinkley) or name not in _TESTS:
        raise pickle.UnpicklingError(f"the attribute {name} is no part of a detector")
    method: Callable[..., bool] = getattr(detector, name)
    return method
