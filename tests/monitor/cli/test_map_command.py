"""`driftd map test` on a real configuration, with a reference in a real database, a file's types, or none."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from monitor.config.presets import PRESETS
from tests.docs.pages import kept_up, marked
from tests.docs.test_generated import ADVICE
from tests.monitor.cli.worlds import CONFIG, Ran, World

MESSAGE = {
    "id": "p-17",
    "timestamp": "2026-01-22T16:00:00Z",
    "features": {"age": 27, "plan": "plus"},
    "prediction": 0,
    "score": 0.07,
}


def sample(world: World, *messages: Any, name: str = "sample.jsonl") -> str:
    path = world.folder / name
    path.write_text("\n".join(each if isinstance(each, str) else json.dumps(each) for each in messages))
    return str(path)


def mapped(world: World, *messages: Any, options: tuple[str, ...] = ("--offline",)) -> Ran:
    return world.run("map", "test", "--file", sample(world, *messages), "--json", *options)


def values(ran: Ran, message: int = 0, row: int = 0) -> dict[str, tuple[Any, str, str]]:
    found = ran.json["messages"][message]["rows"][row]["values"]
    return {each["name"]: (each["value"], each["origin"], each["state"]) for each in found}


def test_a_row_is_shown_with_where_each_value_is_from(bare: World) -> None:
    ran = mapped(bare, MESSAGE)
    assert ran.code == 0
    assert values(ran) == {
        "id": ("p-17", "id", "present"),
        "timestamp": ("2026-01-22T16:00:00+00:00", "timestamp", "present"),
        "age": (27, "features.age", "present"),
        "plan": ("plus", "features.plan", "present"),
        "prediction": (0, "prediction", "present"),
        "score": (0.07, "score", "present"),
    }


def test_the_variant_and_the_metric_of_an_experiment_are_shown(bare: World) -> None:
    bare.configure(
        CONFIG + '[models.churn.fields]\nvariant = "$headers.version"\nmetric = "paid"\n'
        '[models.churn.experiment]\ncontrol = "1"\ntreatments = ["2"]\n'
    )
    found = values(mapped(bare, MESSAGE | {"paid": True}))
    assert found["variant"] == (None, "$headers.version", "missing")
    assert found["metric"] == (1, "paid", "present")


def test_a_reject_is_shown_with_its_reason_and_fails_the_command(bare: World) -> None:
    timeless = {name: value for name, value in MESSAGE.items() if name != "timestamp"}
    ran = mapped(bare, MESSAGE, timeless, "no JSON")
    assert ran.code == 1
    found = [(each["outcome"], each["reason"]) for each in ran.json["messages"]]
    assert found == [("row", None), ("reject", "no_timestamp"), ("reject", "not_json")]
    told = bare.run("map", "test", "--offline", "--file", sample(bare, MESSAGE, timeless)).out
    assert "message 2 is rejected: no_timestamp: the row has no timestamp" in told


def test_types_are_those_of_the_reference_in_force(world: World, tmp_path: Path) -> None:
    ran = mapped(world, MESSAGE, options=())
    assert ran.code == 1
    assert "driftd reference build churn FILE" in ran.err
    rng = np.random.default_rng(1)
    training = tmp_path / "training.csv"
    frame = {
        "age": rng.normal(40, 10, 99),
        "plan": rng.integers(0, 3, 99),
        "prediction": rng.integers(0, 2, 99),
    }
    pd.DataFrame(frame).to_csv(training, index=False)
    assert world.run("reference", "build", "churn", str(training)).code == 0
    found = mapped(world, MESSAGE | {"features": {"age": None, "plan": "plus", "zip": 1}}, options=())
    assert values(found)["plan"] == (None, "features.plan", "bad_type")
    assert values(found)["age"] == (None, "features.age", "null")
    assert found.json["messages"][0]["rows"][0]["unknown_keys"] == ["zip"]


def test_types_may_come_from_a_dictionary_file(bare: World) -> None:
    file = bare.folder / "dictionary.toml"
    file.write_text('[feature.age]\nkind = "categorical"\n')
    ran = mapped(bare, MESSAGE, options=("--dictionary", str(file)))
    assert values(ran)["age"] == (None, "features.age", "bad_type")


def test_key_headers_and_time_of_the_record_can_be_given(bare: World) -> None:
    bare.configure(
        CONFIG + '[models.churn.fields]\nid = "$key"\ntimestamp = "$timestamp"\nmodel = "$headers.model"\n'
    )
    record = {"$value": MESSAGE, "$key": "k", "$headers": {"Model": "churn"}, "$timestamp": 1_767_225_600_000}
    ran = mapped(bare, record, record | {"$headers": {"model": "fraud"}}, record | {"$value": None})
    assert values(ran)["id"] == ("k", "$key", "present")
    assert values(ran)["timestamp"][:2] == ("2026-01-01T00:00:00+00:00", "$timestamp")
    assert [each["outcome"] for each in ran.json["messages"]] == ["row", "another_model", "tombstone"]


def test_a_key_of_the_message_with_such_a_name_is_no_envelope(bare: World) -> None:
    ran = mapped(bare, MESSAGE | {"$value": 1})
    assert values(ran)["id"][0] == "p-17"


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_file_is_named(bare: World, text: str) -> None:
    ran = bare.run("map", "test", "--offline", "--file", sample(bare, text))
    assert ran.code == 1
    assert "is empty: write one message a line" in ran.err


def test_a_document_over_many_lines_is_one_message(bare: World) -> None:
    file = sample(bare, json.dumps(MESSAGE, indent=2), name="sample.json")
    ran = bare.run("map", "test", "--offline", "--file", file, "--json")
    assert (ran.code, len(ran.json["messages"])) == (0, 1)
    lines = sample(bare, MESSAGE, MESSAGE, name="sample.json")
    assert len(bare.run("map", "test", "--offline", "--file", lines, "--json").json["messages"]) == 2


def test_bytes_that_are_no_text_are_one_message_and_rejected(bare: World) -> None:
    file = bare.folder / "sample.bin"
    file.write_bytes(b"\x80\x01\n\xff")
    dictionary = bare.folder / "dictionary.toml"
    dictionary.write_text('[feature.age]\nkind = "numeric"\n')
    ran = bare.run("map", "test", "--dictionary", str(dictionary), "--file", str(file), "--json")
    assert [each["reason"] for each in ran.json["messages"]] == ["not_utf8"]


@pytest.mark.parametrize(
    ("envelope", "told"),
    [
        ({"$value": {}, "$headers": []}, "$headers: is no object"),
        ({"$value": {}, "$timestamp": "soon"}, '$timestamp: "soon" is no time'),
        ({"$value_base64": "?"}, "$value_base64: is no base64"),
    ],
)
def test_an_envelope_that_is_wrong_is_a_mistake_of_the_file(
    bare: World, envelope: dict[str, Any], told: str
) -> None:
    ran = mapped(bare, envelope)
    assert (ran.code, ran.out) == (1, "")
    assert f"message 1: {told}" in ran.err


def test_labels_are_read_as_those_of_their_topic(bare: World) -> None:
    assert mapped(bare, MESSAGE, options=("--offline", "--labels")).code == 2
    bare.configure(CONFIG.replace('["predictions"]', '["predictions"]\nlabels_topics = ["truth"]'))
    ran = mapped(bare, {"id": "a", "label": 1}, {"label": 1}, options=("--offline", "--labels"))
    assert values(ran)["label"] == (1, "label", "present")
    assert values(ran)["timestamp"] == (None, "timestamp, else $timestamp", "missing")
    assert ran.json["messages"][1]["reason"] == "no_id"


def test_the_model_has_to_be_named_when_there_are_several(bare: World) -> None:
    bare.configure(CONFIG + '[models.fraud]\ntopics = ["payments"]\n')
    ran = mapped(bare, MESSAGE)
    assert ran.code == 2
    assert "--model (models: churn, fraud)" in ran.err
    assert mapped(bare, MESSAGE, options=("--offline", "--model", "fraud")).json["topic"] == "payments"


def test_the_example_of_the_page_is_what_comes_out(bare: World) -> None:
    text = marked("docs/formats.md", "sample").replace("2026-11", "2026-01")
    ran = bare.run("map", "test", "--offline", "--file", sample(bare, text))
    told = marked("docs/formats.md", "mapped").replace("2026-11", "2026-01")
    assert [line.rstrip() for line in ran.out.splitlines()] == told.splitlines()
    with_headers = marked("docs/formats.md", "sample with headers").replace("2026-11", "2026-01")
    bare.configure(CONFIG + '[models.churn.fields]\nid = "$key"\ntimestamp = "$timestamp"\n')
    ran = bare.run("map", "test", "--offline", "--file", sample(bare, with_headers))
    assert ran.code == 0, ran.err


EXAMPLES = sorted(PRESETS.keys() - {"nested", "flat", "none"} | {"pair"})


@pytest.mark.parametrize("preset", EXAMPLES)
def test_the_example_of_each_preset_is_what_comes_out(bare: World, preset: str) -> None:
    shown = marked("docs/formats.md", f"{preset} config")
    bare.configure(re.sub(r"(?s)\[models.*", "", CONFIG) + shown.replace("{", "{{").replace("}", "}}"))
    options = (
        ["--labels", "--dictionary", "labels.toml"] if preset == "sagemaker-groundtruth" else ["--offline"]
    )
    (bare.folder / "labels.toml").write_text(
        '[feature.label]\nkind = "categorical"\ntype = "int"\nrole = "label"\n'
    )
    file = sample(bare, marked("docs/formats.md", f"{preset} sample"))
    ran = bare.run("map", "test", "--file", file, *options)
    assert ran.code == 0, ran.out + ran.err
    told = "".join(f"{line.rstrip()}\n" for line in ran.out.splitlines())
    assert kept_up("docs/formats.md", f"<!-- {preset} mapped -->\n```text\n", "```", told), ADVICE
