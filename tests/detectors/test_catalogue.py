from __future__ import annotations

import msgspec
import pytest

from detectors.catalogue import KINDS, AnyDetector, detector


@pytest.mark.parametrize("kind", KINDS)
def test_every_detector_is_found_by_its_name_and_survives_the_config(kind: str) -> None:
    chosen = detector(kind)
    assert chosen.kind == kind
    assert msgspec.json.decode(msgspec.json.encode(chosen), type=AnyDetector) == chosen
    assert chosen.threshold is None


def test_a_distance_takes_a_threshold() -> None:
    chosen = detector("psi", 0.2)
    assert (chosen.is_distance, chosen.threshold) == (True, 0.2)


def test_a_test_takes_no_threshold() -> None:
    with pytest.raises(ValueError, match="alert budget"):
        detector("ks", 0.2)


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ValueError, match='did you mean "chi2"'):
        detector("chi22")
    with pytest.raises(ValueError, match="there are ks, chi2"):
        detector("xyzzy")


def test_an_unknown_key_of_a_detector_is_an_error() -> None:
    with pytest.raises(msgspec.ValidationError, match="treshold"):
        msgspec.convert({"kind": "psi", "treshold": 0.2}, AnyDetector)
