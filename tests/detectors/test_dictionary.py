from __future__ import annotations

from typing import Any

import pytest

from detectors.dictionary import Dictionary, Feature, Kind, Type, category_text, has_type


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (5, "5"),
        (5.0, "5"),
        (-0.0, "0"),
        (0.1, "0.1"),
        ("as is", "as is"),
        ("", ""),
        (float("nan"), None),
        (float("inf"), None),
        (None, None),
        ([1], None),
    ],
)
def test_a_category_has_one_text(value: Any, text: str | None) -> None:
    assert category_text(value) == text


@pytest.mark.parametrize(
    ("value", "types"),
    [
        (5, {"int", "float"}),
        (5.0, {"int", "float"}),
        (5.5, {"float"}),
        (True, {"bool"}),
        ("5", {"str"}),
        (None, set()),
        (float("nan"), {"float"}),
    ],
)
def test_a_value_has_the_types_that_json_would_give_it(value: Any, types: set[str]) -> None:
    every: tuple[Type, ...] = ("float", "int", "str", "bool")
    assert {name for name in every if has_type(value, name)} == types


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ({"kind": Kind.BOOLEAN, "type": "str"}, 'type = "str" does not go with kind = "boolean"'),
        ({"kind": Kind.TEXT, "type": "str", "min": 1.0}, 'min does not go with kind = "text"'),
        ({"kind": Kind.NUMERIC, "type": "int", "categories": ("1",)}, "enum does not go with"),
        ({"kind": Kind.NUMERIC, "type": "int", "min": 2.0, "max": 1.0}, r"min = 2.0 is above max = 1.0"),
        (
            {"kind": Kind.NUMERIC, "type": "int", "max_null_fraction": 1.5},
            "max_null_fraction = 1.5 is no share",
        ),
        ({"kind": Kind.TEXT, "type": "str", "pattern": "("}, "is no regular expression"),
        ({"kind": Kind.TEXT, "type": "str", "name": ":table"}, "cannot be a name"),
    ],
)
def test_rules_that_contradict_each_other_are_refused(rule: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Feature(**({"name": "x"} | rule))


def test_ignored_features_are_not_used() -> None:
    features = [Feature("a", Kind.IGNORE, "str"), Feature("b", Kind.TEXT, "str")]
    assert list(Dictionary({one.name: one for one in features}).used()) == ["b"]
