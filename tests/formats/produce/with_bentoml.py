"""BentoML's monitoring log: `bentoml.monitor` writes to its own rotating file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import bentoml
from bentoml._internal.context import trace_context

from tests.formats.produce.writing import keep, rows


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number, row in enumerate(rows()):
            trace_context.request_id = 7_000_000_000_000_000_000 + number
            with bentoml.monitor("churn", "default", {"log_path": folder}) as monitor:
                monitor.log(row["age"], name="age", role="feature", data_type="numerical")
                monitor.log(row["plan"], name="plan", role="feature", data_type="categorical")
                monitor.log(row["visits"], name="visits", role="feature", data_type="numerical")
                monitor.log(row["owner"], name="owner", role="feature", data_type="categorical")
                monitor.log(row["prediction"], name="pred", role="prediction", data_type="categorical")
        (data,) = Path(folder).glob("churn/data/*.log*")
        lines = data.read_text(encoding="utf-8").splitlines()
    keep("bentoml", lines, "bentoml", "python-json-logger")


if __name__ == "__main__":
    main()
