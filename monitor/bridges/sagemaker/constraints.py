"""`constraints.json` as a data dictionary, and a data dictionary as `constraints.json`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from detectors.clustering import absent
from detectors.dictionary import Dictionary, Feature, Kind, Role, category_text
from detectors.profile import Profile
from monitor.bridges.imported import Draft, Imported, put_together
from monitor.bridges.sagemaker.documents import ColumnConstraints, Constraints, InferredType

KINDS: Mapping[InferredType, tuple[Kind, str]] = {
    "Integral": (Kind.NUMERIC, "int"),
    "Fractional": (Kind.NUMERIC, "float"),
    "String": (Kind.CATEGORICAL, "str"),
    "Unknown": (Kind.IGNORE, "str"),
}
BOOLEAN = {"true", "false"}
NEAREST = {
    "datatype_check_threshold": "driftd lets one mistyped row in a thousand pass",
    "distribution_constraints": "the least shift that matters is models.NAME.min_effect",
}
"""Settings of the whole monitor that are no matter of a data dictionary, and where driftd has the like."""


def imported(constraints: Constraints, roles: dict[str, Role]) -> Imported:
    """Read the rules of each column.

    Columns without any are of the kind that `kind_of` says.
    """
    left_out = [f"{key} = {value}: {NEAREST[key]}" for key, value in _stated(constraints.monitoring_config)]
    drafts = []
    for column in constraints.features:
        domains = column.string_constraints.domains
        kind, type_ = kind_of(column.inferred_type, domains)
        draft = Draft(column.name, kind, {"type": type_})
        settings = constraints.monitoring_config | column.overriding()
        left_out += [f"{column.name}: {note}" for note in _rules(draft, column, settings)]
        drafts.append(draft)
    return put_together(drafts, left_out, roles)


def kind_of(inferred: InferredType, values: Iterable[object] | None) -> tuple[Kind, str]:
    """Give kind and type. SageMaker lists the values of texts where they are few: the others are ``text``."""
    kind, type_ = KINDS[inferred]
    if kind is not Kind.CATEGORICAL:
        return kind, type_
    if values is None:
        return Kind.TEXT, "str"
    is_boolean = {str(value).lower() for value in values} == BOOLEAN
    return (Kind.BOOLEAN, "bool") if is_boolean else (kind, type_)


def _stated(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((key, settings[key]) for key in NEAREST if key in settings)


def _rules(draft: Draft, column: ColumnConstraints, settings: Mapping[str, Any]) -> Iterator[str]:
    """Put the column's rules into the draft, and name what cannot be one."""
    if draft.kind is Kind.IGNORE:
        yield "inferred_type is Unknown, so it is not looked at: give it a kind"
        return
    if settings.get("evaluate_constraints") == "Disabled":
        yield "its constraints, as evaluate_constraints is Disabled"
        return
    for key, value in _stated(column.overriding()):
        yield f"{key} = {value}: driftd has no such setting for one feature"
    if column.completeness is not None:
        draft.keys["max_null_fraction"] = round(1.0 - column.completeness, 12)
    if column.num_constraints.is_non_negative:
        if draft.kind is Kind.NUMERIC:
            draft.keys["min"] = 0.0
        else:
            yield f"is_non_negative, as it is {column.inferred_type}"
    domains = column.string_constraints.domains
    if domains is None or draft.kind is Kind.BOOLEAN:
        return
    if draft.kind is not Kind.CATEGORICAL:
        yield f"domains, as it is {column.inferred_type}"
        return
    draft.keys["categories"] = tuple(category_text(value) or "" for value in domains)
    draft.keys["min_domain_mass"] = float(settings.get("domain_content_threshold", 1.0))


def exported(dictionary: Dictionary, baseline: Profile, min_effect: float) -> dict[str, Any]:
    """Give the document. Where no share of absent values is stated, it is the one of the reference."""
    features = [feature for name, feature in dictionary.used().items() if name in baseline.counts]
    masses = {feature.min_domain_mass for feature in features if feature.categories is not None}
    return {
        "version": 0.0,
        "features": [_column(feature, baseline) for feature in features],
        "monitoring_config": {
            "evaluate_constraints": "Enabled",
            "emit_metrics": "Enabled",
            "datatype_check_threshold": 1.0,
            "domain_content_threshold": min(masses, default=1.0),
            "distribution_constraints": {
                "perform_comparison": "Enabled",
                "comparison_threshold": min_effect,
                "comparison_method": "Robust",
            },
        },
    }


def _column(feature: Feature, baseline: Profile) -> dict[str, Any]:
    counts = baseline.counts[feature.name]
    share = absent(counts) / counts.rows if counts.rows else 0.0
    allowed = share if feature.max_null_fraction is None else feature.max_null_fraction
    column: dict[str, Any] = {
        "name": feature.name,
        "inferred_type": inferred_type(feature),
        "completeness": round(1.0 - allowed, 12),
    }
    if feature.kind is Kind.NUMERIC:
        column["num_constraints"] = {"is_non_negative": feature.min is not None and feature.min >= 0}
    elif feature.kind is Kind.BOOLEAN:
        column["string_constraints"] = {"domains": sorted(BOOLEAN)}
    elif feature.categories is not None:
        column["string_constraints"] = {"domains": list(feature.categories)}
    return column | {"monitoringConfigOverrides": {}}


def inferred_type(feature: Feature) -> InferredType:
    """Give the type in SageMaker's words."""
    if feature.kind is Kind.NUMERIC:
        return "Integral" if feature.type == "int" else "Fractional"
    return "String"


def not_exported(dictionary: Dictionary) -> Iterator[str]:
    """Name the rules that `constraints.json` has no place for; descriptions are no rules."""
    masses = {each.min_domain_mass for each in dictionary.used().values() if each.categories is not None}
    for name, feature in dictionary.used().items():
        rules = [
            *([f"min = {feature.min:g}"] if feature.min else []),
            *([f"max = {feature.max:g}"] if feature.max is not None else []),
            *(["pattern"] if feature.pattern is not None else []),
            *(["format"] if feature.format is not None else []),
            *(["missing_values"] if feature.missing_values else []),
            *(["required = false"] if not feature.required else []),
            *(["max_out_of_range_fraction"] if feature.max_out_of_range_fraction else []),
        ]
        if feature.categories is not None and feature.min_domain_mass != min(masses):
            rules.append(
                f"min_domain_mass = {feature.min_domain_mass:g}, as SageMaker has one for all columns"
            )
        if rules:
            yield f"{name}: {', '.join(rules)}"
