from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.dictionary import TYPES, Dictionary, Feature, Kind, Role
from detectors.dictionary_file import from_toml, to_toml

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
NAMES = TEXTS.filter(lambda name: name != "" and not name.startswith(":"))
SHARES = st.floats(0, 1)
SCALARS = st.one_of(TEXTS, st.integers(), st.booleans(), st.floats(allow_nan=False))


@st.composite
def features(draw: st.DrawFn, name: str) -> Feature:
    kind = draw(st.sampled_from(Kind))
    is_numeric, is_categorical = kind is Kind.NUMERIC, kind is Kind.CATEGORICAL
    return Feature(
        name,
        kind,
        draw(st.sampled_from(TYPES[kind])),
        role=draw(st.sampled_from(Role)),
        required=draw(st.booleans()),
        max_null_fraction=draw(st.none() | SHARES),
        missing_values=tuple(draw(st.lists(SCALARS, max_size=3))),
        min=draw(st.none() | st.floats(-1e9, 0)) if is_numeric else None,
        max=draw(st.none() | st.floats(0, 1e300)) if is_numeric else None,
        max_out_of_range_fraction=draw(SHARES),
        categories=tuple(draw(st.lists(TEXTS, max_size=3))) if is_categorical else None,
        min_domain_mass=draw(SHARES),
        pattern=draw(st.none() | st.just(r"\d+\"\\x")) if kind is Kind.TEXT else None,
        format=draw(st.none() | TEXTS) if kind is Kind.DATETIME else None,
        description=draw(TEXTS),
        importance=draw(st.none() | st.floats(0, 1)),
        critical=draw(st.booleans()),
    )


@st.composite
def dictionaries(draw: st.DrawFn) -> Dictionary:
    names = draw(st.lists(NAMES, unique=True, max_size=4))
    return Dictionary({name: draw(features(name)) for name in names})


@given(dictionaries())
def test_reading_what_was_written_gives_the_same_dictionary(dictionary: Dictionary) -> None:
    text = to_toml(dictionary)
    assert from_toml(text) == dictionary
    assert all(letter.isprintable() or letter == "\n" for letter in text)


def test_names_with_dots_quotes_and_control_characters_survive() -> None:
    names = ("a.b", 'say "hi"', "tab\t", "del\x7f", "nul\x00", "€", "🚗", "")[:-1]
    dictionary = Dictionary({name: Feature(name, Kind.TEXT, "str", description=name) for name in names})
    assert from_toml(to_toml(dictionary)) == dictionary


def test_a_file_written_by_hand_may_leave_out_the_type_and_list_numbers_as_categories() -> None:
    grade = '[feature.grade]\nkind = "categorical"\ntype = "int"\nenum = [1, 2]'
    read = from_toml('[feature.age]\nkind = "numeric"\nmin = 0\n' + grade).features
    assert read["age"] == Feature("age", Kind.NUMERIC, "float", min=0.0)
    assert read["grade"].categories == ("1", "2")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[feature.age]\nkind = "numeric"\nmni = 0', "feature 'age': unknown key 'mni'; did you mean 'min'?"),
        ('[feature.age]\nkind = "numreic"', "did you mean 'numeric'?"),
        ("[feature.age]\nmin = 0", "feature 'age': has no kind: give one of numeric, categorical"),
        ('[feature.age]\nkind = "numeric"\nname = "old"', "unknown key 'name'"),
        ('[feature.age]\nkind = "numeric"\nmax_null_fraction = "2"', "max_null_fraction: Expected"),
        ('[feature.age]\nkind = "numeric"\nmax_null_fraction = 2.0', "max_null_fraction = 2.0 is no share"),
        ('[feature.age]\nkind = "text"\nenum = ["a"]', "enum does not go with kind"),
        ('[feature.age]\nkind = "numeric"\nkind = "text"', "not valid TOML"),
        ('[fetaure.age]\nkind = "numeric"', "unknown key 'fetaure'"),
        ("[feature]\nage = 3", "feature 'age': is not a table"),
        ("feature = 3", "'feature' is not a table"),
    ],
)
def test_a_mistake_names_feature_key_and_the_nearest_known_name(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        from_toml(text)
    assert complaint in str(caught.value)


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(ValueError, match=r"age.*\n.*sex"):
        from_toml('[feature.age]\nkind = "numbr"\n[feature.sex]\nkind = "text"\nmin = 1')
