from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.identifiers import MAX_KEPT, Identifiers, decode, encode, hash_ids

FEW = st.lists(st.sampled_from([None, "", "a", "b", "c", "ü", "\ud800"]), max_size=12)


def texts(values: object) -> NDArray[np.object_]:
    listed = list(values)  # type: ignore[call-overload]
    array = np.empty(len(listed), object)
    array[:] = listed
    return array


def numbered(numbers: NDArray[np.int64]) -> Identifiers:
    return Identifiers.from_ids(texts(f"id-{number}" for number in numbers.tolist()))


@given(FEW, FEW, FEW)
def test_merging_is_associative_commutative_and_equals_the_union(
    first: list[str | None], second: list[str | None], third: list[str | None]
) -> None:
    a, b, c = (Identifiers.from_ids(texts(part)) for part in (first, second, third))
    assert a.merge(b) == b.merge(a)
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
    assert a.merge(Identifiers.empty()) == a
    assert a.merge(b).merge(c) == Identifiers.from_ids(texts([*first, *second, *third]))


def test_the_laws_hold_beyond_the_ids_that_are_kept() -> None:
    rng = np.random.default_rng(5)
    drawn = rng.integers(0, 9000, 30_000)
    parts = [numbered(part) for part in np.array_split(drawn, 7)]
    forward = Identifiers.empty()
    for part in parts:
        forward = forward.merge(part)
    backward = Identifiers.empty()
    for part in reversed(parts):
        backward = part.merge(backward)
    assert forward == backward == numbered(drawn)
    assert len(forward.hashes) == MAX_KEPT
    assert not forward.is_complete


@given(FEW)
def test_few_ids_are_counted_exactly(ids: list[str | None]) -> None:
    present = [one for one in ids if one is not None]
    found = Identifiers.from_ids(texts(ids))
    assert found.rows == len(present)
    assert found.duplicates() == (len(present) - len(set(present)), 0.0, True)


def test_as_many_ids_as_are_kept_is_still_exact_and_one_more_is_not() -> None:
    assert numbered(np.arange(MAX_KEPT).repeat(2)).duplicates() == (MAX_KEPT, 0.0, True)
    assert not numbered(np.arange(MAX_KEPT + 1)).duplicates().is_exact


def test_no_duplicates_are_estimated_as_none_but_not_as_certain() -> None:
    found = numbered(np.arange(20_000)).duplicates()
    assert found.rows == 0.0
    assert 0 < found.standard_error < 20_000 / MAX_KEPT


@pytest.mark.parametrize("share", [0.02, 0.3])
def test_the_standard_error_is_the_spread_of_the_estimates(share: float) -> None:
    rng = np.random.default_rng(11)
    distinct, trials = 16_000, 60
    errors, stated = [], []
    for trial in range(trials):
        rows = np.arange(distinct) + trial * distinct  # other ids: another random sample of them is kept
        repeated = rng.choice(rows, int(share * distinct), replace=True)
        found = numbered(np.concatenate([rows, repeated])).duplicates()
        errors.append(found.rows - len(repeated))
        stated.append(found.standard_error)
    spread = float(np.std(errors))
    assert 0.75 < spread / float(np.mean(stated)) < 1.3
    assert abs(np.mean(errors)) < 4 * spread / np.sqrt(trials)


def test_hashes_are_the_same_in_another_process_and_forever() -> None:
    code = (
        "import numpy as np; from detectors.identifiers import hash_ids;"
        "print(hash_ids(np.array(['a', 'ü'], object)).tolist())"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert hash_ids(texts(["a", "ü"])).tolist() == GOLDEN
    assert other.stdout.strip() == str(GOLDEN)


def test_half_a_surrogate_pair_does_not_change_the_hashes_of_others() -> None:
    assert hash_ids(texts(["a", "\ud800"]))[0] == hash_ids(texts(["a"]))[0]


@pytest.mark.parametrize("numbers", [[], [1], [1] * 300, list(range(6000))])
def test_the_wire_form_is_exact(numbers: list[int]) -> None:
    identifiers = numbered(np.array(numbers, np.int64))
    assert decode(encode(identifiers)) == identifiers


def test_another_version_is_refused() -> None:
    data = bytearray(encode(Identifiers.empty()))
    data[1] = 9
    with pytest.raises(ValueError, match="version 9"):
        decode(bytes(data))


GOLDEN = [228926585745777967, 13481678091558057276]
