"""Writes suite.json beside it with Great Expectations itself, in an environment of its own.

`pip install "great_expectations>=1.24,<2"`, then `python tests/data/great_expectations/write_suite.py`.
"""

from __future__ import annotations

import json
from pathlib import Path

import great_expectations as gx
import great_expectations.expectations as gxe

EXPECTATIONS = (
    gxe.ExpectColumnToExist(column="age"),
    gxe.ExpectColumnValuesToNotBeNull(column="age", mostly=0.99),
    gxe.ExpectColumnValuesToBeOfType(column="age", type_="int64"),
    gxe.ExpectColumnValuesToBeBetween(
        column="age", min_value=18, max_value=120, mostly=0.999, severity="warning"
    ),
    gxe.ExpectColumnMeanToBeBetween(column="age", min_value=30, max_value=50),
    gxe.ExpectColumnMinToBeBetween(column="income", min_value=0),
    gxe.ExpectColumnMaxToBeBetween(column="income", min_value=100, max_value=1_000_000),
    gxe.ExpectColumnValuesToBeBetween(column="score", min_value=0, strict_min=True),
    gxe.ExpectColumnValuesToBeInSet(column="plan", value_set=["basic", "pro"], mostly=0.95),
    gxe.ExpectColumnDistinctValuesToBeInSet(column="plan", value_set=["basic", "pro", "gold"]),
    gxe.ExpectColumnDistinctValuesToBeInSet(column="rating", value_set=[1, 2, 3]),
    gxe.ExpectColumnValuesToBeInSet(column="owner", value_set=[True, False]),
    gxe.ExpectColumnValuesToMatchRegex(column="zip", regex="^[0-9]{4}$"),
    gxe.ExpectColumnValuesToBeInTypeList(column="zip", type_list=["made_up", "str"]),
    gxe.ExpectColumnValuesToMatchRegex(column="phone", regex="[0-9]+"),
    gxe.ExpectColumnValuesToMatchRegex(column="mail", regex="@", mostly=0.9),
    gxe.ExpectColumnValuesToMatchStrftimeFormat(column="at", strftime_format="%Y-%m-%d"),
    gxe.ExpectColumnValuesToBeBetween(
        column="rent", min_value=0, row_condition='country == "DE"', condition_parser="pandas"
    ),
    gxe.ExpectColumnValuesToBeUnique(column="row"),
    gxe.ExpectTableRowCountToBeBetween(min_value=10, max_value=100),
    gxe.ExpectTableColumnsToMatchSet(column_set=["age", "plan", "zip", "row"]),
    gxe.ExpectColumnPairValuesToBeEqual(column_A="age", column_B="income"),
)


def main() -> None:
    """Write the suite as the package serialises it."""
    gx.get_context(mode="ephemeral")
    suite = gx.ExpectationSuite(name="churn", expectations=list(EXPECTATIONS))
    text = json.dumps(suite.to_json_dict(), indent=1)
    Path(__file__).with_name("suite.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
