from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import experiment_labels, experiment_sums
from detectors.columns import Column, Columns, Presence
from detectors.experiment import Experiment
from detectors.experiment_labels import LabelledArms, row_measures
from detectors.outputs import OutputRows, Outputs, Task

EXPERIMENT = Experiment(
    "new", ("a", "b"), (0.5, 0.5), {"age": np.array([20.0, 40.0])}, {"country": ("DE", "FR")}
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", None]),
        st.sampled_from([10.0, 20.0, 30.0, 50.0, np.inf, np.nan]),
        st.sampled_from(["DE", "FR", "PT", None]),
        st.sampled_from([0.0, 1.25, -3.5, np.nan]),
    ),
    max_size=30,
)
Row = tuple[str | None, float, str | None, float]


def columns_of(rows: list[Row]) -> Columns:
    ages = np.array([row[1] for row in rows], np.float64)
    countries = np.array([row[2] for row in rows], np.object_)
    absent = np.array([Presence.NULL if row[2] is None else Presence.PRESENT for row in rows], np.uint8)
    return {"age": Column(ages), "country": Column(countries, absent)}


def summed(rows: list[Row]) -> experiment_sums.Arms:
    variants = np.array([row[0] for row in rows], np.object_)
    return EXPERIMENT.summarise(columns_of(rows), variants, np.array([row[3] for row in rows], np.float64))


def test_rows_are_counted_by_variant_and_bin() -> None:
    rows: list[Row] = [
        ("a", 20.0, "DE", 1.0), ("a", np.nan, "PT", 2.0), ("b", 20.5, None, 4.0), ("b", 1e9, "FR", np.nan),
        ("c", 10.0, "DE", 9.0), (None, 10.0, "DE", 9.0),
    ]  # fmt: skip
    found = summed(rows)
    assert found.rows.tolist() == [2, 2]
    assert found.others == 2
    assert found.tables["age"].tolist() == [[1, 0], [1, 0], [0, 1], [0, 1]]
    assert found.tables["country"].tolist() == [[0, 1], [1, 0], [0, 1], [1, 0]]
    assert [(each.n, each.sum) for each in found.metric] == [(2, 3.0), (1, 4.0)]


@given(ROWS, ROWS, ROWS)
@settings(max_examples=50)
def test_parts_in_any_order_are_the_sums_of_all_rows(
    one: list[Row], two: list[Row], three: list[Row]
) -> None:
    whole = summed([*one, *two, *three])
    parts = [summed(rows) for rows in (three, one, two)]
    merged = experiment_sums.merged(parts[0], experiment_sums.merged(parts[1], parts[2]))
    assert merged == whole
    assert experiment_sums.decode(experiment_sums.encode(whole)) == whole
    assert experiment_sums.merged(EXPERIMENT.empty(), whole) == whole


def test_sums_of_another_experiment_are_not_added() -> None:
    other = Experiment("other", ("a", "b"), (0.5, 0.5), EXPERIMENT.edges, EXPERIMENT.categories)
    assert experiment_sums.merged(EXPERIMENT.empty(), other.empty()) is None
    finer = Experiment("new", ("a", "b"), (0.5, 0.5), {"age": np.array([1.0])}, EXPERIMENT.categories)
    assert experiment_sums.merged(EXPERIMENT.empty(), finer.empty()) is None


def test_damaged_sums_are_told_as_such() -> None:
    with pytest.raises(ValueError, match="stored sums of an experiment of 3 bytes are damaged"):
        experiment_sums.decode(b"abc")


BINARY = Outputs(Task.BINARY, ("0", "1"), "prediction", ("score",), "label")
NUMBERS = Outputs(Task.REGRESSION, (), "prediction", (), "label")


def test_measures_of_a_classification_are_means_of_rows() -> None:
    rows = OutputRows(np.array([1.0, 0.0, np.nan, 1.0]), np.array([[0.9], [0.2], [0.5], [np.nan]]))
    found = row_measures(BINARY, rows, np.array([1.0, 1.0, 1.0, 0.0]))
    assert found["accuracy"].tolist() == pytest.approx([1.0, 0.0, np.nan, 0.0], nan_ok=True)
    assert found["brier"].tolist() == pytest.approx([0.01, 0.64, np.nan, np.nan], nan_ok=True)
    assert found["log_loss"][:2] == pytest.approx(-np.log([0.9, 0.2]))


def test_measures_of_a_regression_are_of_its_errors() -> None:
    rows = OutputRows(np.array([1.0, 5.0, np.nan]), np.zeros((3, 0)))
    found = row_measures(NUMBERS, rows, np.array([3.0, 2.0, 1.0]))
    assert found["mae"].tolist() == pytest.approx([2.0, 3.0, np.nan], nan_ok=True)
    assert found["mse"].tolist() == pytest.approx([4.0, 9.0, np.nan], nan_ok=True)


def test_a_corrected_label_takes_the_place_of_the_old_one() -> None:
    rows = OutputRows(np.array([1.0, 0.0]), np.array([[0.9], [0.2]]))
    codes = np.array([1, 2], np.uint8)

    def of(labels: list[float], metric: list[float]) -> LabelledArms:
        return LabelledArms.of(BINARY, rows, np.array(labels), codes, np.array(metric), 2)

    before, after = of([1.0, 1.0], [3.0, np.nan]), of([0.0, 1.0], [3.5, 2.0])
    corrected = before.plus(before, -1).plus(after, 1)
    assert corrected == after
    stored = experiment_labels.encode("signature", corrected)
    assert experiment_labels.decode(stored, "signature") == after
    assert experiment_labels.decode(stored, "another") is None
    assert experiment_labels.decode(b"", "signature") is None
