"""A real MLflow with a database in a folder, and a model that was trained, logged and registered there."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:  # it takes seconds, which only its own tests shall spend
    from mlflow import MlflowClient

INPUTS = ["age", "income", "plan", "owner"]


def training_rows(rows: int = 600) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 80, rows),
            "income": rng.gamma(2.0, 1000.0, rows).round(2),
            "plan": rng.choice(np.array(["basic", "pro"]), rows),
            "owner": rng.random(rows) < 0.5,
            "split": rng.integers(0, 5, rows),
            "prediction": rng.integers(0, 2, rows),
        }
    )


def _guess() -> Any:
    """Give a model that says no."""
    from mlflow.pyfunc.model import PythonModel  # noqa: PLC0415

    class Guess(PythonModel):
        def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> list[int]:
            del context, params
            return [0] * len(model_input)

    return Guess()


def registered(
    folder: Path,
    address: str,
    *,
    context: str | None = "training",
    source: Any = None,
    is_signed: bool = True,
) -> MlflowClient:
    """Train, log and register the model `churn` as a version of its own; the dataset is a Parquet file."""
    rows = training_rows()
    file = folder / "train.parquet"
    rows.to_parquet(file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.pyfunc  # noqa: PLC0415
        from mlflow import MlflowClient  # noqa: PLC0415
        from mlflow.data.pandas_dataset import from_pandas  # noqa: PLC0415
        from mlflow.models import infer_signature  # noqa: PLC0415

        mlflow.set_tracking_uri(address)
        client = MlflowClient()
        known = client.get_experiment_by_name("training")
        place = (
            client.create_experiment("training", artifact_location=(folder / "artifacts").as_uri())
            if known is None
            else known.experiment_id
        )
        with mlflow.start_run(experiment_id=place):
            if context is not None:
                name = "customers" if source is None else "elsewhere"  # MLflow keeps one source of a name
                dataset = from_pandas(rows, source=source or str(file), name=name)
                mlflow.log_input(dataset, context=context)
            mlflow.pyfunc.log_model(
                name="model",
                python_model=_guess(),
                signature=infer_signature(rows[INPUTS], rows["prediction"]) if is_signed else None,
                registered_model_name="churn",
                pip_requirements=[],
            )
    return client


def histories(client: MlflowClient, run_id: str) -> Mapping[str, list[tuple[int, float]]]:
    """Give every metric of a run as its steps and values."""
    names = client.get_run(run_id).data.metrics
    return {
        name: [(each.step, each.value) for each in client.get_metric_history(run_id, name)] for name in names
    }
