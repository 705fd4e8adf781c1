from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from open_data_contract_standard.model import (
    DataQuality,
    EnumValue,
    OpenDataContractStandard,
    SchemaObject,
    SchemaProperty,
)

from detectors.dictionary import Feature, Kind, Role
from monitor.bridges.descriptions import imported
from monitor.bridges.imported import Imported
from monitor.errors import DataError


def quality(**said: Any) -> DataQuality:
    return DataQuality.model_validate(said)


def written(folder: Path, *objects: SchemaObject) -> Path:
    """Write a contract with the standard's own package."""
    contract = OpenDataContractStandard(
        version="1.0.0",
        apiVersion="v3.1.0",
        kind="DataContract",
        id="7",
        status="active",
        schema=list(objects),
    )
    file = folder / "contract.yaml"
    file.write_text(contract.to_yaml(), encoding="utf-8")
    return file


def read(folder: Path, *properties: SchemaProperty, **about: Any) -> Imported:
    made = SchemaObject(name="predictions", properties=list(properties), **about)
    return imported(written(folder, made), {"score": Role.SCORE})


def test_a_contract_that_the_package_wrote_becomes_a_dictionary(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        SchemaProperty(
            name="age",
            logicalType="integer",
            required=True,
            description="Age\nin years",
            criticalDataElement=True,
            logicalTypeOptions={"minimum": 18, "exclusiveMaximum": 121, "format": "i32"},
        ),
        SchemaProperty(
            name="income",
            logicalType="number",
            quality=[
                quality(
                    metric="missingValues",
                    arguments={"missingValues": [None, -1, "N/A"]},
                    mustBeLessOrEqualTo=5,
                    unit="percent",
                ),
                quality(metric="nullValues", mustBeLessThan=2.5, unit="percent"),
            ],
        ),
        SchemaProperty(
            name="plan",
            logicalType="string",
            tags=["PII"],
            enum=[EnumValue(value="basic"), EnumValue(value="pro")],
        ),
        SchemaProperty(
            name="status",
            physicalType="varchar(10)",
            quality=[
                quality(
                    metric="invalidValues",
                    arguments={"validValues": ["on", "off"]},
                    mustBeLessOrEqualTo=5,
                    unit="percent",
                )
            ],
        ),
        SchemaProperty(name="zip", logicalType="string", logicalTypeOptions={"pattern": "^[0-9]{4}$"}),
        SchemaProperty(
            name="code", logicalType="string", logicalTypeOptions={"minLength": 2, "maxLength": 3}
        ),
        SchemaProperty(
            name="day", logicalType="date", logicalTypeOptions={"format": "yyyy-MM-dd'T'HH:mm:ss"}
        ),
        SchemaProperty(name="owner", logicalType="boolean"),
        SchemaProperty(name="score", physicalType="DOUBLE"),
    )
    assert found.dictionary.features == {
        "age": Feature(
            "age",
            Kind.NUMERIC,
            "int",
            max_null_fraction=0.0,
            min=18.0,
            max=120.0,
            description="Age in years",
            critical=True,
        ),
        "income": Feature(
            "income", Kind.NUMERIC, "float", max_null_fraction=0.025, missing_values=(-1, "N/A")
        ),
        "plan": Feature("plan", Kind.CATEGORICAL, "str", categories=("basic", "pro"), pii=True),
        "status": Feature("status", Kind.CATEGORICAL, "str", categories=("on", "off"), min_domain_mass=0.95),
        "zip": Feature("zip", Kind.TEXT, "str", pattern="^[0-9]{4}$"),
        "code": Feature("code", Kind.TEXT, "str", pattern=r"[\s\S]{2,3}"),
        "day": Feature("day", Kind.DATETIME, "str", format="%Y-%m-%dT%H:%M:%S"),
        "owner": Feature("owner", Kind.BOOLEAN, "bool"),
        "score": Feature("score", Kind.NUMERIC, "float", Role.SCORE),
    }
    assert found.left_out == ()


def test_what_a_dictionary_cannot_hold_of_a_contract_is_named(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        SchemaProperty(name="id", logicalType="string", primaryKey=True, unique=True),
        SchemaProperty(name="lines", logicalType="array"),
        SchemaProperty(name="shape", physicalType="geometry"),
        SchemaProperty(
            name="income",
            logicalType="number",
            logicalTypeOptions={"exclusiveMinimum": 0, "multipleOf": 5},
            quality=[
                quality(metric="nullValues", mustBeLessThan=10),
                quality(metric="duplicateValues", mustBe=0),
                quality(type="sql", query="SELECT 1", mustBe=1),
                quality(metric="nullValues", mustBe=0, severity="warning"),
                quality(metric="invalidValues", arguments={"pattern": "[0-9]+"}, mustBe=0),
            ],
        ),
        SchemaProperty(
            name="day", logicalType="date", logicalTypeOptions={"format": "EEE dd", "minimum": "2020-01-01"}
        ),
        SchemaProperty(
            name="since",
            logicalType="number",
            quality=[
                quality(metric="missingValues", arguments={"missingValues": [dt.date(1970, 1, 1)]}, mustBe=0)
            ],
        ),
        quality=[quality(metric="rowCount", mustBeBetween=[1, 2])],
    )
    assert found.left_out == (
        "rowCount of the object: driftd has no such check",
        "id: unique: only the id that fields.id names has to be unique",
        "id: primaryKey: only the id that fields.id names has to be unique",
        "lines: is not looked at, as it is array",
        "shape: is not looked at, as it is geometry",
        "income: exclusiveMinimum = 0: driftd has no such check of what is numeric",
        "income: multipleOf = 5: driftd has no such check of what is numeric",
        "income: nullValues: driftd knows limits in percent, or none at all",
        "income: duplicateValues: driftd has no such check",
        "income: a rule of type sql: driftd has no such check",
        "income: nullValues: its severity, warning",
        "income: pattern [0-9]+: driftd has one for all values of what is text or categorical",
        "day: format EEE dd: has parts that driftd cannot read",
        "day: minimum = 2020-01-01: driftd has no such check of what is datetime",
        "since: missingValues: only texts, numbers and booleans can stand for no value",
    )
    assert found.dictionary.features["income"].max_null_fraction == 0.0


@pytest.mark.parametrize(
    ("said", "limit"),
    [
        ([{"mustBe": 0}], 0.0),
        ([{"mustBeLessOrEqualTo": 0}], 0.0),
        ([{"mustBeLessThan": 0}], None),
        ([{"mustBeLessThan": 5, "unit": "percent"}], 0.05),
        ([{"mustBe": 5, "unit": "percent"}], None),
        ([{"mustBeLessThan": 500, "unit": "percent"}], None),
        ([{"mustBeLessThan": 5, "mustNotBe": 2, "unit": "percent"}], None),
        ([{"mustBe": 0}, {"mustBeLessThan": 5, "unit": "percent"}], 0.0),
    ],
)
def test_the_lowest_limit_that_is_a_share_holds(
    tmp_path: Path, said: list[dict[str, Any]], limit: float | None
) -> None:
    rules = [quality(metric="nullValues", **each) for each in said]
    bounds = {"exclusiveMinimum": 17}
    age = SchemaProperty(name="age", logicalType="integer", quality=rules, logicalTypeOptions=bounds)
    found = read(tmp_path, age)
    assert found.dictionary.features["age"].max_null_fraction == limit
    assert found.dictionary.features["age"].min == 18.0
    assert (found.left_out == ()) == (limit is not None)


def test_one_of_several_objects_is_named(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        SchemaObject(name="orders", properties=[SchemaProperty(name="a", logicalType="number")]),
        SchemaObject(name="items", properties=[SchemaProperty(name="b", logicalType="number")]),
    )
    assert list(imported(file, {}, "items").dictionary.features) == ["b"]
    with pytest.raises(DataError, match="name one with --object; the contract has orders, items"):
        imported(file, {})
    with pytest.raises(DataError, match="there is no object 'item'"):
        imported(file, {}, "item")


def test_text_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "contract.yml"
    file.write_text("kind: [DataContract\nschema: x")
    with pytest.raises(DataError, match=r"contract\.yml: is no YAML"):
        imported(file, {})
    file.write_text("!!python/object/apply:os.system ['true']")
    with pytest.raises(DataError, match="is no YAML"):
        imported(file, {})
