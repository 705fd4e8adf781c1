from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from river import drift, preprocessing

from detectors import sequential_wire
from detectors.concept import KINDS, Settings, State, StateLost, decode, encode, settings_for, step
from detectors.sequential_pickle import thaw


def of_kind(kind: str, rate: float = 1e-4) -> Settings:
    return settings_for(kind, rate, 0.2, 0.4)


def rows_of(seed: int, rows: int, rate: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    values = (np.random.default_rng(seed).random(rows) < rate).astype(np.float64)
    return values, np.arange(rows, dtype=np.int64) * 1000


def state_of(kind: str) -> State:
    return step(None, of_kind(kind), *rows_of(1, 1200, 0.2))[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_stored_state_goes_on_as_if_it_had_never_been_stored(kind: str) -> None:
    state, chosen = state_of(kind), of_kind(kind)
    stored = decode(encode(state), chosen)
    assert encode(stored) == encode(state)
    after, changes = step(stored, chosen, *rows_of(2, 600, 0.9))
    whole, wanted = step(state, chosen, *rows_of(2, 600, 0.9))
    assert changes == wanted != ()
    assert encode(after) == encode(whole)


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_before_its_first_row_is_stored_too(kind: str) -> None:
    state, _ = step(None, of_kind(kind), *rows_of(1, 0, 0.2))
    assert encode(decode(encode(state), of_kind(kind))) == encode(state)


def test_a_state_is_small() -> None:
    values, times = rows_of(1, 500_000, 0.2)
    assert len(encode(step(None, of_kind("adwin", 1e-9), values, times)[0])) < 16_000


def test_damage_anywhere_loses_the_state() -> None:
    data = encode(state_of("adwin"))
    for at in range(1, len(data), 37):
        damaged = bytearray(data)
        damaged[at] ^= 1
        with pytest.raises(StateLost, match=r"detector adwin is damaged.*starts anew"):
            decode(bytes(damaged), of_kind("adwin"))


@pytest.mark.parametrize("length", [0, 1, 10, 17, 100])
def test_bytes_that_are_cut_short_lose_the_state(length: int) -> None:
    with pytest.raises(StateLost, match="is damaged"):
        decode(encode(state_of("adwin"))[:length], of_kind("adwin"))


def test_another_format_loses_the_state() -> None:
    with pytest.raises(StateLost, match="has format version 9, this driftd reads version 1: the detector"):
        decode(b"\x09" + encode(state_of("adwin"))[1:], of_kind("adwin"))


def test_another_river_loses_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode(state_of("adwin"))
    monkeypatch.setattr(sequential_wire, "RIVER", "0.99.0")
    with pytest.raises(StateLost, match=r"was written by river 0\.26\.\d+, this is river 0\.99\.0"):
        decode(data, of_kind("adwin"))


def test_another_kind_loses_the_state() -> None:
    with pytest.raises(StateLost, match=r"detector ddm was made with adwin .*, the settings now are ddm"):
        decode(encode(state_of("adwin")), of_kind("ddm"))


def test_other_settings_lose_the_state() -> None:
    with pytest.raises(StateLost, match=r"delta 0\.05\), the settings now are adwin \(.*delta 0\.005\)"):
        decode(encode(state_of("adwin")), of_kind("adwin", 1e-6))


def test_a_detector_of_other_settings_than_stated_loses_the_state() -> None:
    mixed = replace(state_of("adwin"), detector=state_of("ddm").detector)
    with pytest.raises(StateLost, match="holds a detector with other settings"):
        decode(encode(mixed), of_kind("adwin"))


class Attack:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_code_in_the_bytes_is_not_run(tmp_path: Path) -> None:
    attacked = replace(state_of("adwin"), detector=pickle.dumps(Attack(tmp_path / "owned")))
    with pytest.raises(StateLost, match="is no part of a detector"):
        decode(encode(attacked), of_kind("adwin"))
    assert not (tmp_path / "owned").exists()
    pickle.loads(attacked.detector)  # noqa: S301  # the attack itself works
    assert (tmp_path / "owned").exists()


@pytest.mark.parametrize("allowed_elsewhere", [preprocessing.StandardScaler(), np.float64(1.0), print])
def test_classes_that_are_no_part_of_a_detector_are_refused(allowed_elsewhere: object) -> None:
    with pytest.raises(ValueError, match="no part of a detector"):
        thaw(pickle.dumps(allowed_elsewhere))


class Reach:
    """Asks for a method of Page-Hinkley's when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (drift.PageHinkley(), "update")


def test_only_three_methods_of_page_hinkley_can_be_named() -> None:
    with pytest.raises(ValueError, match="the attribute update is no part of a detector"):
        thaw(pickle.dumps(Reach()))
