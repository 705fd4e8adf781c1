"""Data contracts of the Open Data Contract Standard, version 3, as a data dictionary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from detectors.dictionary import Kind, Role, category_text
from monitor.bridges.imported import Draft, Imported, put_together
from monitor.bridges.words import ANYTHING, in_full, is_number, kind_of_type, strptime_format, texts_of
from monitor.bridges.words import type_of_values as kind_of_values

Element = Mapping[str, Any]
NESTED = frozenset({"object", "array", "map"})
SHARES = {"mustBe": 0.0, "mustBeLessThan": None, "mustBeLessOrEqualTo": None}
"""How a quality rule may bound what it counts: by nothing at all, or by a share."""


def imported(contract: Element, roles: dict[str, Role], object_name: str | None = None) -> Imported:
    """Read the properties of one object of the contract; what describes and checks nothing is not looked at.

    Raises
    ------
    ValueError
        If it has several objects and none is named, or a pattern is no regular expression.
    """
    chosen = _object(contract.get("schema") or [], object_name)
    left_out = [
        f"{_rule_name(rule)} of the object: driftd has no such check" for rule in _list(chosen, "quality")
    ]
    left_out += [f"{key}: driftd has no such check" for key in ("slaProperties",) if contract.get(key)]
    drafts = []
    for element in _list(chosen, "properties"):
        draft = Draft(str(element.get("name")), Kind.IGNORE)
        left_out += [f"{draft.name}: {note}" for note in _property(draft, element)]
        drafts.append(draft)
    return put_together(drafts, left_out, roles)


def _object(schema: list[Element], name: str | None) -> Element:
    named = {str(each.get("name")): each for each in schema}
    if name is None and len(named) == 1:
        return next(iter(named.values()))
    if name not in named:
        asked = "name one with --object" if name is None else f"there is no object {name!r}"
        raise ValueError(f"{asked}; the contract has {', '.join(named) or 'none'}")
    return named[name]


def _list(element: Element, key: str) -> list[Element]:
    found = element.get(key) or []
    return [each for each in found if isinstance(each, dict)]


def _rule_name(rule: Element) -> str:
    return str(rule.get("metric") or rule.get("rule") or f"a rule of type {rule.get('type')}")


def _property(draft: Draft, element: Element) -> Iterator[str]:
    """Put a property into the draft, and name what it says beyond that."""
    logical = str(element.get("logicalType") or "")
    known = kind_of_type(logical) or kind_of_type(str(element.get("physicalType") or ""))
    if logical in NESTED or known is None:
        yield f"is not looked at, as it is {logical or element.get('physicalType') or 'of no stated type'}"
        return
    draft.kind, draft.keys["type"] = known
    _about(draft, element)
    if element.get("required"):
        draft.keys["max_null_fraction"] = 0.0
    for key in ("unique", "primaryKey"):
        if element.get(key):
            yield f"{key}: only the id that fields.id names has to be unique"
    values = [each.get("value") if isinstance(each, dict) else each for each in element.get("enum") or ()]
    yield from _one_of(draft, "enum", values, 1.0) if values else ()
    yield from _options(draft, dict(element.get("logicalTypeOptions") or {}))
    for rule in _list(element, "quality"):
        yield from _quality(draft, rule)


def _about(draft: Draft, element: Element) -> None:
    draft.keys["description"] = " ".join(str(element.get("description") or "").split())
    draft.keys["critical"] = bool(element.get("criticalDataElement"))
    draft.keys["pii"] = "pii" in {str(tag).lower() for tag in element.get("tags") or ()}


def _one_of(draft: Draft, name: str, values: list[Any], mass: float) -> Iterator[str]:
    known = kind_of_values(values)
    if known is None or "categories" in draft.keys:
        yield f"{name}: its values are no texts, numbers or booleans, or are listed twice"
        return
    draft.kind, draft.keys["type"] = known
    if draft.kind is Kind.CATEGORICAL:
        draft.keys |= {"categories": texts_of(values), "min_domain_mass": mass}


def _options(draft: Draft, options: dict[str, Any]) -> Iterator[str]:
    if draft.kind is Kind.NUMERIC:
        yield from _bounds(draft, options)
        options.pop("format", None)  # i32, f64 ...: how it is stored
    elif draft.kind is Kind.DATETIME:
        wanted = options.pop("format", None)
        draft.keys["format"] = None if wanted is None else strptime_format(str(wanted))
        if wanted is not None and draft.keys["format"] is None:
            yield f"format {wanted}: has parts that driftd cannot read"
    elif draft.kind in (Kind.TEXT, Kind.CATEGORICAL):
        _texts(draft, options)
    for key, value in options.items():
        if value is not None:
            yield f"{key} = {value}: driftd has no such check of what is {draft.kind}"


def _bounds(draft: Draft, options: dict[str, Any]) -> Iterator[str]:
    """Take bounds over. An excluded bound is one that is included for integers only."""
    for key, excluded, step in (("min", "exclusiveMinimum", 1), ("max", "exclusiveMaximum", -1)):
        bound = options.pop(f"{key}imum", None)
        beyond = options.get(excluded)
        if bound is None and is_number(beyond) and draft.keys["type"] == "int":
            bound = options.pop(excluded) + step
        if is_number(bound):
            draft.keys[key] = float(bound)
        elif bound is not None:
            yield f"{key}imum = {bound}: is no number"


def _texts(draft: Draft, options: dict[str, Any]) -> None:
    """Take a pattern over, or else lengths as one."""
    pattern = options.pop("pattern", None)
    if pattern is not None:
        draft.keys["pattern"] = in_full(str(pattern))
    elif "minLength" in options or "maxLength" in options:
        low, high = options.pop("minLength", None) or 0, options.pop("maxLength", None)
        draft.keys["pattern"] = ANYTHING.replace("*", f"{{{low},{'' if high is None else high}}}")


def _quality(draft: Draft, rule: Element) -> Iterator[str]:
    name, asked = _rule_name(rule), rule.get("arguments") or {}
    limit = _limit(rule)
    if name not in {"nullValues", "missingValues", "invalidValues"}:
        yield f"{name}: driftd has no such check"
    elif limit is None:
        yield f"{name}: driftd knows limits in percent, or none at all"
    elif name == "invalidValues":
        yield from _valid(draft, dict(asked), limit)
    else:
        yield from _absent(draft, name, asked.get("missingValues") or (), limit)
    if rule.get("severity") not in (None, "error"):
        yield f"{name}: its severity, {rule['severity']}"


def _absent(draft: Draft, name: str, stand_ins: Iterable[Any], limit: float) -> Iterator[str]:
    """Take over which values stand for none, and how many may be absent: of two limits the lower one."""
    values = [value for value in stand_ins if value is not None]
    known = [value for value in values if category_text(value) is not None]
    if len(known) < len(values):
        yield f"{name}: only texts, numbers and booleans can stand for no value"
    draft.keys["missing_values"] = (*draft.keys.get("missing_values", ()), *known)
    draft.keys["max_null_fraction"] = min(limit, draft.keys.get("max_null_fraction", 1.0))


def _valid(draft: Draft, asked: dict[str, Any], limit: float) -> Iterator[str]:
    values, pattern = asked.pop("validValues", None), asked.pop("pattern", None)
    if values:
        yield from _one_of(draft, "validValues", list(values), round(1.0 - limit, 12))
    if pattern is not None and (
        limit or "pattern" in draft.keys or draft.kind not in (Kind.TEXT, Kind.CATEGORICAL)
    ):
        yield f"pattern {pattern}: driftd has one for all values of what is text or categorical"
    elif pattern is not None:
        draft.keys["pattern"] = in_full(str(pattern))
    yield from (f"{key} of invalidValues: driftd has no such check" for key in asked)


def _limit(rule: Element) -> float | None:
    """Give the share that may break a rule; None where it is said otherwise than driftd can."""
    given = {key: value for key, value in rule.items() if key.startswith("must")}
    if len(given) != 1:
        return None
    (key, value), *_ = given.items()
    if key not in SHARES or not is_number(value):
        return None
    if value == 0 and key != "mustBeLessThan":
        return 0.0
    is_share = rule.get("unit") == "percent" and key != "mustBe"
    return round(value / 100.0, 12) if is_share and 0 <= value <= 100 else None  # noqa: PLR2004
