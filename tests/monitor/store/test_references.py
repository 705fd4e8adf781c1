from __future__ import annotations

from dataclasses import replace

from monitor.store.base import Store
from tests.monitor.store.rows import MODEL, later, reference


def test_an_active_reference_comes_back_whole(store: Store) -> None:
    store.add_reference(reference())
    assert store.active_reference(MODEL) == reference()
    assert store.reference("ref") == reference()
    assert store.reference("other") is None
    assert store.active_reference("other") is None


def test_an_active_reference_takes_the_place_of_the_one_before(store: Store) -> None:
    store.add_reference(reference("one"))
    store.add_reference(reference("two", built_at=later(days=1)))
    assert [(one.id, one.active, one.payload) for one in store.references(MODEL)] == [
        ("two", True, b""),
        ("one", False, b""),
    ]


def test_adding_a_reference_twice_keeps_the_first_and_obeys_the_second(store: Store) -> None:
    store.add_reference(reference(active=False))
    assert store.active_reference(MODEL) is None
    store.add_reference(replace(reference(), source="elsewhere"))
    assert store.active_reference(MODEL) == reference()


def test_a_reference_registers_its_model(store: Store) -> None:
    store.add_reference(reference(model="new"))
    assert [one.model for one in store.references()] == ["new"]
    assert [row["model"] for row in store.view("models")] == [MODEL, "new"]


def test_activating_moves_the_mark_within_the_model(store: Store) -> None:
    store.add_reference(reference("one"))
    store.add_reference(reference("two"))
    store.add_reference(reference("foreign", model="other"))
    assert store.activate_reference(MODEL, "one")
    assert not store.activate_reference(MODEL, "foreign")
    assert not store.activate_reference(MODEL, "nothing")
    active = {one.id for one in store.references() if one.active}
    assert active == {"one", "foreign"}


def test_models_are_shown_with_their_active_reference(store: Store) -> None:
    assert [row["reference_id"] for row in store.view("models")] == [None]
    store.add_reference(reference())
    (row,) = store.view("models", model=MODEL)
    assert (row["reference_id"], row["model_version"], row["closed_until"]) == ("ref", "v1", None)
