"""Suites of Great Expectations (the JSON that 1.x and 0.x write) as a data dictionary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from detectors.dictionary import Kind, Role
from monitor.bridges.imported import Draft, Imported, put_together
from monitor.bridges.words import in_full, is_number, kind_of_type, share, texts_of, type_of_values

Arguments = Mapping[str, Any]
Rule = Callable[[Draft, Arguments], str | None]
"""Puts an expectation into a feature; gives the reason where it cannot."""

COLUMN_SETS = ("expect_table_columns_to_match_set", "expect_table_columns_to_match_ordered_list")
PLAIN = frozenset({"column", "mostly", "result_format", "catch_exceptions", "batch_id"})
"""Arguments that change nothing, or that each rule looks at."""


def imported(suite: Mapping[str, Any], roles: dict[str, Role]) -> Imported:
    """Read the expectations of each column. Descriptions and notes are not looked at: they are no rules.

    Raises
    ------
    ValueError
        If an expectation is of another form than the package writes, or rules contradict each other.
    """
    expectations = [_read(each) for each in suite["expectations"]]
    drafts: dict[str, Draft] = {}
    left_out: list[str] = []
    for name, arguments in expectations:
        for column in _columns(name, arguments):
            drafts.setdefault(column, Draft(column, Kind.IGNORE))
    for name, arguments in sorted(expectations, key=lambda each: _place(each[0])):
        left_out += _taken(name, arguments, drafts)
    for draft in drafts.values():
        if draft.kind is Kind.IGNORE:
            left_out.append(
                f"{draft.name}: is not looked at, as nothing says of what kind it is: give it one"
            )
    left_out += _severities(suite["expectations"])
    return put_together(drafts.values(), left_out, roles)


def _read(expectation: Any) -> tuple[str, Arguments]:
    name = (
        expectation.get("type") or expectation.get("expectation_type")
        if isinstance(expectation, dict)
        else None
    )
    arguments = expectation.get("kwargs", {}) if name else None
    if not isinstance(name, str) or not isinstance(arguments, dict):
        raise ValueError(f"{str(expectation)[:80]} is no expectation: it needs a type and kwargs")  # noqa: TRY004
    return name, arguments


def _columns(name: str, arguments: Arguments) -> list[str]:
    """Give the columns that an expectation is about, as far as driftd can look at them one by one."""
    if name in COLUMN_SETS:
        return [str(column) for column in arguments.get("column_set") or arguments.get("column_list") or ()]
    return [str(arguments["column"])] if name in RULES and "column" in arguments else []


def _place(name: str) -> int:
    """Types come first, then sets: what they say decides how other rules are read."""
    return list(RULES).index(name) if name in RULES else len(RULES)


def _taken(name: str, arguments: Arguments, drafts: Mapping[str, Draft]) -> Iterator[str]:
    column = arguments.get("column")
    if name in COLUMN_SETS:  # the columns are in the dictionary, which others are then held against
        if "column_list" in arguments:
            yield f"{name}: driftd does not look at the order of columns"
        return
    if name not in RULES or column is None:
        yield f"{name}{'' if column is None else f' of {column}'}: driftd has no such check"
        return
    unknown = sorted(key for key, value in arguments.items() if value and key not in PLAIN | _ARGUMENTS[name])
    reason = f"{', '.join(unknown)} cannot be said" if unknown else _applied(name, drafts[column], arguments)
    if reason is not None:
        yield f"{name} of {column}: {reason}"


def _applied(name: str, draft: Draft, arguments: Arguments) -> str | None:
    """Apply a rule, unless it says something else than an earlier one."""
    kind, keys = draft.kind, dict(draft.keys)
    reason = RULES[name](draft, arguments)
    changed = [key for key, value in keys.items() if draft.keys[key] != value and key != "type"]
    if not changed:
        return reason
    draft.kind, draft.keys = kind, keys
    return f"an earlier rule says otherwise about {', '.join(changed)}"


def _severities(expectations: list[dict[str, Any]]) -> Iterator[str]:
    for each in expectations:
        if each.get("severity", "critical") != "critical":
            name, arguments = _read(each)
            yield f"{name} of {arguments.get('column', 'the table')}: its severity, {each['severity']}"


def _type(draft: Draft, arguments: Arguments) -> str | None:
    names = arguments.get("type_list") or [arguments.get("type_", "")]
    known = next((found for name in names if (found := kind_of_type(str(name)))), None)
    if known is None:
        return f"{', '.join(map(str, names))} is no type that driftd knows"
    draft.kind, draft.keys["type"] = known
    return None


def _set(draft: Draft, arguments: Arguments) -> str | None:
    values = arguments.get("value_set") or ()
    known = type_of_values(values)
    if known is None:
        return "its values are no texts, numbers or booleans"
    draft.kind, draft.keys["type"] = known
    if draft.kind is Kind.CATEGORICAL:
        draft.keys |= {"categories": texts_of(values), "min_domain_mass": float(arguments.get("mostly", 1.0))}
    return None


def _between(draft: Draft, arguments: Arguments) -> str | None:
    low, high = arguments.get("min_value"), arguments.get("max_value")
    if not all(bound is None or is_number(bound) for bound in (low, high)):
        return "its bounds are no numbers"
    if draft.kind not in (Kind.IGNORE, Kind.NUMERIC):
        return f"the column is {draft.kind}"
    draft.kind = Kind.NUMERIC
    bounds = {"min": low, "max": high}
    draft.keys |= {key: float(bound) for key, bound in bounds.items() if bound is not None}
    draft.keys["max_out_of_range_fraction"] = share(arguments.get("mostly", 1.0))
    return None


def _lowest(draft: Draft, arguments: Arguments) -> str | None:
    if arguments.get("max_value") is not None:
        return "driftd bounds every value, not where the smallest of a window lies"
    return _between(draft, {"min_value": arguments.get("min_value")})


def _highest(draft: Draft, arguments: Arguments) -> str | None:
    if arguments.get("min_value") is not None:
        return "driftd bounds every value, not where the largest of a window lies"
    return _between(draft, {"max_value": arguments.get("max_value")})


def _pattern(draft: Draft, arguments: Arguments) -> str | None:
    if arguments.get("mostly", 1.0) != 1.0:
        return f"mostly = {arguments['mostly']}: a pattern is for all values"
    if draft.kind not in (Kind.IGNORE, Kind.TEXT, Kind.CATEGORICAL):
        return f"the column is {draft.kind}"
    draft.kind = Kind.TEXT if draft.kind is Kind.IGNORE else draft.kind
    draft.keys["pattern"] = in_full(str(arguments.get("regex", "")))
    return None


def _format(draft: Draft, arguments: Arguments) -> str | None:
    if arguments.get("mostly", 1.0) != 1.0:
        return f"mostly = {arguments['mostly']}: a format is for all values"
    if draft.kind not in (Kind.IGNORE, Kind.TEXT, Kind.DATETIME):
        return f"the column is {draft.kind}"
    draft.kind, draft.keys["type"] = Kind.DATETIME, "str"
    draft.keys["format"] = str(arguments.get("strftime_format"))
    return None


def _present(draft: Draft, arguments: Arguments) -> str | None:
    draft.keys["max_null_fraction"] = share(arguments.get("mostly", 1.0))
    return None


def _exists(draft: Draft, arguments: Arguments) -> str | None:
    del arguments
    draft.keys["required"] = True
    return None


RULES: Mapping[str, Rule] = {
    "expect_column_values_to_be_of_type": _type,
    "expect_column_values_to_be_in_type_list": _type,
    "expect_column_values_to_be_in_set": _set,
    "expect_column_distinct_values_to_be_in_set": _set,
    "expect_column_values_to_match_strftime_format": _format,
    "expect_column_values_to_be_between": _between,
    "expect_column_min_to_be_between": _lowest,
    "expect_column_max_to_be_between": _highest,
    "expect_column_values_to_match_regex": _pattern,
    "expect_column_values_to_not_be_null": _present,
    "expect_column_to_exist": _exists,
}
_BOUNDS = frozenset({"min_value", "max_value"})
_ARGUMENTS: Mapping[str, frozenset[str]] = {
    "expect_column_values_to_be_of_type": frozenset({"type_"}),
    "expect_column_values_to_be_in_type_list": frozenset({"type_list"}),
    "expect_column_values_to_be_in_set": frozenset({"value_set"}),
    "expect_column_distinct_values_to_be_in_set": frozenset({"value_set"}),
    "expect_column_values_to_match_strftime_format": frozenset({"strftime_format"}),
    "expect_column_values_to_be_between": _BOUNDS,
    "expect_column_min_to_be_between": _BOUNDS,
    "expect_column_max_to_be_between": _BOUNDS,
    "expect_column_values_to_match_regex": frozenset({"regex"}),
    "expect_column_values_to_not_be_null": frozenset(),
    "expect_column_to_exist": frozenset(),
}
