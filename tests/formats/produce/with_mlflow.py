"""MLflow's scoring protocol: requests as the library writes input examples, answers of its own server.

The rows around them are those of an inference table: the call's ids, time and status, and both bodies as
text. Every tenth call is one that the server refuses.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
from fastapi.testclient import TestClient
from mlflow.models.signature import infer_signature
from mlflow.models.utils import convert_input_example_to_serving_input
from mlflow.pyfunc import scoring_server
from mlflow.pyfunc.model import PythonModel

from tests.formats.produce.writing import keep, rows

NAMES = ("age", "plan", "visits", "owner")


class Churn(PythonModel):
    """A model that knows the answers by their inputs."""

    def __init__(self, answers: dict[str, int]) -> None:
        self.answers = answers

    def predict(self, model_input: pd.DataFrame) -> Any:  # type: ignore[override]  # it may be left out
        return np.array([self.answers[key(row)] for row in model_input.to_dict("records")])


def key(row: Mapping[Any, Any]) -> str:
    return repr((float(row["age"]), str(row["plan"]), int(row["visits"]), bool(row["owner"])))


def client_of(logged: list[dict[str, Any]]) -> TestClient:
    """Save the model as MLflow does, load it, and serve it."""
    frame = pd.DataFrame(logged)[list(NAMES)]
    model = Churn({key(row): row["prediction"] for row in logged})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        signature = infer_signature(frame, np.array([0, 1]))
        mlflow.pyfunc.save_model(path, python_model=model, signature=signature)
        return TestClient(scoring_server.init(mlflow.pyfunc.load_model(str(path))))


def bodies(frame: pd.DataFrame, number: int) -> str:
    """Give the request in the forms that the library knows, by turns."""
    split = str(convert_input_example_to_serving_input(frame))
    if number % 3 == 0:
        return split
    records = json.loads(frame.to_json(orient="records"))
    if number % 3 == 1:
        return json.dumps({"dataframe_records": records})
    return json.dumps({"inputs": {name: [row[name] for row in records] for name in NAMES}})


def main() -> None:
    logged = rows()
    client = client_of(logged)
    lines = []
    for number, row in enumerate(logged):
        calls = [(row["id"], bodies(pd.DataFrame([row])[list(NAMES)], number))]
        if number % 10 == 0:
            calls.append((f"bad-{number}", json.dumps({"dataframe_records": [{"age": "no number"}]})))
        for call_id, body in calls:
            headers = {"Content-Type": "application/json"}
            answer = client.post("/invocations", content=body, headers=headers)
            told = {
                "client_request_id": None,
                "databricks_request_id": call_id,
                "timestamp_ms": row["time_ms"],
                "status_code": answer.status_code,
                "request": body,
                "response": answer.text,
                "request_metadata": {"model_name": "churn", "model_version": "3", "endpoint_name": "churn"},
            }
            if answer.status_code != 200:
                told["response"] = answer.text.splitlines()[0][:200]
            lines.append(json.dumps(told, ensure_ascii=False))
    keep("mlflow", lines, "mlflow", "pandas")


if __name__ == "__main__":
    main()
