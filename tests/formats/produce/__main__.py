"""Lets each system's own library write a hundred messages: ``make format-samples``, or some by their names.

Every library has an environment of its own under .cache. What it writes is kept in tests/formats/samples, one
message a line as `driftd map test` reads them, with the versions that wrote it beside it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.quality.environments import Peer, python_of
from tests.formats.logged import as_dicts

PACKAGE = "tests.formats.produce"
ROOT = Path(__file__).absolute().parents[3]
SAMPLES = ROOT / "tests" / "formats" / "samples"
CACHE = ROOT / ".cache" / "formats"
LIMIT_S = 300.0

LIBRARIES = (
    Peer("bentoml", ("bentoml==1.4.40",), "with_bentoml"),
    Peer("mlflow", ("mlflow==3.17.2", "httpx"), "with_mlflow"),
    Peer("feast", ("feast==0.67.0",), "with_feast"),
    Peer("cloudevents", ("cloudevents==2.2.0",), "with_cloudevents"),
    Peer(
        "confluent",
        (
            "confluent-kafka[avro,json,protobuf,schemaregistry]==2.16.1",
            "fastavro==1.13.1",
            "protobuf==7.36.2",
        ),
        "with_confluent",
    ),
)


def main(names: list[str]) -> None:
    for library in LIBRARIES:
        if names and library.name not in names:
            continue
        python = python_of(library, CACHE)
        with tempfile.TemporaryDirectory() as folder:
            rows = Path(folder) / "rows.json"
            rows.write_text(json.dumps(as_dicts()))
            command = [str(python.absolute()), "-m", f"{PACKAGE}.{library.module}", str(rows), str(SAMPLES)]
            here = {**os.environ, "PYTHONPATH": str(ROOT)}
            subprocess.run(command, check=True, timeout=LIMIT_S, cwd=folder, env=here)
        print(f"{library.name}: {', '.join(library.packages)}")


if __name__ == "__main__":
    main(sys.argv[1:])
