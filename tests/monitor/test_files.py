"""Training rows with labels and scores, and label files as messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from detectors.dictionary import Role
from monitor.config import Fields, LabelsFields
from monitor.errors import DataError
from monitor.files import training_rows
from monitor.rowmessages import label_messages, messages

FRAME = pd.DataFrame({"age": [1.0, 2.0, 3.0], "prediction": [0, 1, 1], "label": [0, 1, 0], "id": [7, 8, 9]})
SCORES = {"a": "p.a", "b": "p.b"}


def saved(folder: Path, frame: pd.DataFrame, ending: str = "parquet") -> Path:
    file = folder / f"rows.{ending}"
    if ending == "parquet":
        frame.to_parquet(file)
    elif ending == "csv":
        frame.to_csv(file, index=False)
    else:
        file.write_text("".join(json.dumps(row) + "\n" for row in frame.to_dict("records")))
    return file


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_the_label_is_a_column_of_its_own_role(tmp_path: Path, ending: str) -> None:
    rows = training_rows(saved(tmp_path, FRAME, ending), Fields().resolved("m"))
    assert list(rows.frame.columns) == ["age", "prediction", "label"]
    assert rows.roles == {"prediction": Role.PREDICTION, "label": Role.LABEL}
    assert rows.frame["label"].tolist() == [0, 1, 0]
    assert rows.found["label"] == "label"
    assert rows.ignored == ()


def test_a_file_of_messages_has_its_label_where_the_fields_or_the_labels_fields_say(tmp_path: Path) -> None:
    rows = pd.DataFrame(
        {"features": [{"age": 1.0}] * 2, "truth": [{"paid": "yes"}] * 2, "label": ["old"] * 2, "id": [1, 2]}
    )
    file = saved(tmp_path, rows, "jsonl")
    fields = Fields().resolved("m")
    assert training_rows(file, fields).frame["label"].tolist() == ["old", "old"]
    found = training_rows(file, fields, ("truth", "paid"))
    assert found.frame["truth.paid"].tolist() == ["yes", "yes"]
    assert found.roles == {"truth.paid": Role.LABEL}
    assert "label" not in found.frame.columns


def test_the_labels_own_place_goes_first_and_the_other_column_is_no_feature(tmp_path: Path) -> None:
    frame = FRAME.assign(outcome=[1, 0, 1])
    rows = training_rows(saved(tmp_path, frame), Fields(preset="flat", id="id").resolved("m"), ("outcome",))
    assert rows.roles == {"prediction": Role.PREDICTION, "outcome": Role.LABEL}
    assert list(rows.frame.columns) == ["age", "prediction", "outcome"]
    assert rows.ignored == ("label",)


def test_a_label_that_only_the_fields_know_is_found_all_the_same(tmp_path: Path) -> None:
    rows = training_rows(saved(tmp_path, FRAME), Fields().resolved("m"), ("outcome",))
    assert rows.roles["label"] is Role.LABEL


def test_a_label_that_no_row_has_is_none(tmp_path: Path) -> None:
    rows = training_rows(saved(tmp_path, FRAME.assign(label=None)), Fields().resolved("m"))
    assert rows.found["label"] is None
    assert Role.LABEL not in rows.roles.values()


@pytest.mark.parametrize("names", [("p.a", "p.b"), ("a", "b")])
def test_scores_of_classes_are_found_by_their_path_or_its_last_key(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    frame = FRAME.assign(**{names[0]: 0.25, names[1]: 0.75})
    rows = training_rows(saved(tmp_path, frame), Fields(scores=SCORES).resolved("m"))
    assert [name for name, role in rows.roles.items() if role is Role.SCORE] == ["p.a", "p.b"]
    assert rows.frame["p.b"].tolist() == [0.75] * 3
    assert rows.found["scores"] == ", ".join(names)
    assert "score" not in rows.found


def test_scores_of_some_classes_only_are_refused_and_none_are_fine(tmp_path: Path) -> None:
    fields = Fields(scores=SCORES).resolved("m")
    with pytest.raises(DataError, match=r'has scores, but none of the classes "b" \(p.b\)'):
        training_rows(saved(tmp_path, FRAME.assign(a=0.5)), fields)
    assert training_rows(saved(tmp_path, FRAME), fields).found["scores"] is None


def decoded(rows: Any) -> list[Any]:
    return [json.loads(row) for row in rows]


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_table_of_labels_becomes_their_messages_and_nothing_else(tmp_path: Path, ending: str) -> None:
    places = LabelsFields(id="prediction.id", label="truth.paid", timestamp="at").resolved(Fields(), "m")
    frame = pd.DataFrame(
        {"prediction.id": [7, 8], "paid": [1, 0], "at": ["2026-01-01T00:00:00Z"] * 2, "age": 1}
    )
    found = decoded(label_messages(saved(tmp_path, frame.assign(at=frame["at"] + ""), ending), places))
    assert [row["prediction"]["id"] for row in found] == [7, 8]
    assert [row["truth"]["paid"] for row in found] == [1, 0]
    assert found[0].keys() == {"prediction", "truth", "at"}


def test_lines_of_labels_are_messages_already(tmp_path: Path) -> None:
    file = saved(tmp_path, pd.DataFrame({"id": [1], "label": ["x"], "more": [2]}), "jsonl")
    assert decoded(label_messages(file, LabelsFields().resolved(Fields(), "m"))) == [
        {"id": 1, "label": "x", "more": 2}
    ]


def test_scores_of_classes_get_to_their_places_in_messages(tmp_path: Path) -> None:
    file = saved(tmp_path, FRAME.assign(a=0.25, b=0.75))
    (first, *_) = decoded(messages(file, Fields(scores=SCORES).resolved("m")))
    assert first["p"] == {"a": 0.25, "b": 0.75}
    assert (first["features"], first["label"]) == ({"age": 1.0}, 0)
